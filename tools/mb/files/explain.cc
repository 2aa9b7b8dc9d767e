// mb explain: the ranked list that the redirector would make for a client and a file, by the same
// lookup and the same ranking; of a URL the running httpd's own word.
#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <ctime>
#include <utility>
#include <vector>

#include "answer/decide.h"
#include "core/path.h"
#include "db/lookup.h"
#include "explain/explanation.h"
#include "rank/rank.h"
#include "tools/mb/commands.h"
#include "tools/mb/files/explain_url.h"
#include "tools/mb/files/tree_file.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string subject;  // a path of the tree, or a URL
  std::string address, country, as_number, at;
  RankSettings settings;  // what httpd's configuration may set
  bool https = false, json = false;
  std::string connect, user_agent, ca_file, key_file;
  struct Given {
    const char* name;
    const cli::Option* option;
  };
  std::vector<Given> for_path, for_url;  // options that fit one kind of subject only
};

// What only httpd's configuration and disk tell.
constexpr const char* kUnknown =
    "not looked at: what only httpd's configuration says (exclusions, MirrorMinSize, fallbacks, "
    "rights), and with MirrorTree local whether the file on disk is this version; `mb explain URL` "
    "asks httpd";

// Unix time of "2026-11-29 12:00", "2026-11-29T12:00:00Z" or "@1795953600".
std::int64_t parse_time(const std::string& text) {
  std::int64_t seconds = 0;
  if (text.starts_with('@')) {
    const auto [end, fault] = std::from_chars(text.data() + 1, text.data() + text.size(), seconds);
    if (fault == std::errc() && end == text.data() + text.size() && seconds >= 0) return seconds;
  } else {
    for (const char* format : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"}) {
      std::tm moment{};
      const char* end = strptime(text.c_str(), format, &moment);
      if (end != nullptr && *end == '\0') return timegm(&moment);
    }
  }
  throw UsageError(
      fmt::format("--at '{}': expected a time in UTC like '2026-11-29 12:00', "
                  "2026-11-29T12:00:00Z or @1795953600",
                  text));
}

[[noreturn]] void refuse(const std::string& what) {
  throw UsageError(fmt::format("explain: {}\nSee `mb explain --help`.", what));
}

Address client_address(const Wanted& wanted) {
  const auto address = Address::parse(wanted.address);
  if (!address)
    throw UsageError(fmt::format("--ip '{}': expected an IPv4 or IPv6 address", wanted.address));
  return *address;
}

// A query argument of the redirector, which it is checked like. Alone: no value may bring others.
std::string query_argument(const char* name, const std::string& value) {
  const auto separates = [](unsigned char c) { return std::isalnum(c) == 0 && c != ','; };
  const std::string text = fmt::format("{}={}", name, value);
  const Query query = parse_query(text);
  const bool is_known = query.country.has_value() || query.asn.has_value();
  return std::any_of(value.begin(), value.end(), separates) || query.malformed || !is_known ? ""
                                                                                            : text;
}

// --country and --as as the redirector's query arguments.
std::string query_text(const Wanted& wanted) {
  std::string text;
  for (const auto& [name, value] :
       {std::pair("country", &wanted.country), std::pair("as", &wanted.as_number)}) {
    if (value->empty()) continue;
    const std::string argument = query_argument(name, *value);
    if (argument.empty()) {
      throw UsageError(fmt::format(
          "--{} '{}': expected {}", name, *value,
          value == &wanted.country ? "a country code of two letters" : "the number of an AS"));
    }
    text += (text.empty() ? "" : "&") + argument;
  }
  return text;
}

void find_without(const File& file, const WhyLacking& lacking, Explanation& result) {
  result.left_out = without_file(*result.mirrors, file.mirrors, [&](const Mirror& mirror) {
    std::string held_back = held_back_because(file, mirror.id);
    return held_back.empty() ? lacking.reason(mirror.id) : held_back;
  });
}

// Where the client goes, as far as this is known without httpd.
ExplainedAnswer answer_of(const Explanation& explanation) {
  const auto& accepted = explanation.ranking.accepted;
  const ExplainedFile& file = *explanation.file;
  const bool past_grace = file.grace_ends_s && explanation.at_s >= *file.grace_ends_s;
  ExplainedAnswer answer;
  answer.text = "no mirror: the fallback, the origin or the local file answers";
  if (explanation.pause() != nullptr) answer.declined = decline_text(DeclineReason::paused);
  if (accepted.empty() || file.pending || past_grace || explanation.pause() != nullptr)
    return answer;
  answer.url = file_url(
      base_url(*accepted.front().mirror, explanation.https, explanation.client.address.family),
      file.path);
  answer.text = answer.url;
  return answer;
}

Explanation explain(Context& context, const Wanted& wanted) {
  Explanation result;
  const std::string query = query_text(wanted);
  result.client = overridden(context.geo().locate(client_address(wanted)), parse_query(query));
  result.https = wanted.https;
  db::Connection& connection = context.database();
  db::FoundFile found = require_file(connection, wanted.subject);
  result.mirrors = db::load_mirrors(connection);
  db::heed_rules(found, result.mirrors->rules());
  const File& file = found.file;
  const WhyLacking lacking(connection, file);
  const db::FileTimes& times = lacking.times();
  result.file = ExplainedFile{file.path,    file.size_bytes,          file.mtime_s,
                              file.pending, times.gone_s.has_value(), times.version_since_s,
                              times.gone_s, times.grace_ends_s};
  result.at_s =
      wanted.at.empty() ? static_cast<std::int64_t>(std::time(nullptr)) : parse_time(wanted.at);
  const RankRequest request{wanted.https, file.size_bytes, result.at_s,
                            result.mirrors->is_for_stale(file.path)};
  result.ranking = rank(result.client, request, file.mirrors, *result.mirrors, wanted.settings);
  find_without(file, lacking, result);
  result.answer = answer_of(result);
  result.not_looked_at = kUnknown;
  return result;
}

int explain_path(Context& context, const Wanted& wanted) {
  if (wanted.address.empty()) refuse("--ip is required");
  const Explanation explanation = explain(context, wanted);
  if (context.geo().empty())
    complain(
        "no geo_databases in the configuration: the client's place is not known; see mb.toml(5)");
  say_lines(wanted.json ? explanation_json(explanation) : explanation_text(explanation));
  return kSuccess;
}

int explain_by_httpd(const Wanted& wanted) {
  UrlQuestion question{.url = wanted.subject,
                       .client = "",
                       .query = query_text(wanted),
                       .connect = wanted.connect,
                       .user_agent = wanted.user_agent,
                       .ca_file = wanted.ca_file,
                       .key_file = wanted.key_file,
                       .json = wanted.json};
  if (!wanted.address.empty()) question.client = client_address(wanted).text();
  return explain_url(question);
}

int run(Context& context, const Wanted& wanted) {
  const bool by_httpd = is_web_url(wanted.subject);
  for (const auto& [name, option] : by_httpd ? wanted.for_path : wanted.for_url) {
    if (option->count() > 0)
      refuse(fmt::format(
          "{} is for {}", name,
          by_httpd ? "a PATH only: for a URL, httpd uses its own settings and the time now"
                   : "a URL only: mb does not ask httpd about a PATH"));
  }
  return by_httpd ? explain_by_httpd(wanted) : explain_path(context, wanted);
}

void add_path_options(cli::Options& app, Wanted& wanted) {
  const auto add = [&](const char* name, cli::Option* option) {
    wanted.for_path.push_back({name, option->group("For a path")});
  };
  add("--distance-scale",
      app.add_option(
             "--distance-scale", wanted.settings.distance_scale_km,
             "How fast a mirror's weight falls with its distance, as MirrorDistanceScale in "
             "httpd's configuration (200)")
          ->between(1.0, 20000.0)
          ->type_name("KM"));
  add("--stickiness",
      app.add_option("--stickiness", wanted.settings.sticky_s,
                     "The seconds for which a client keeps its mirror, as the redirector is "
                     "configured (3600)")
          ->between(0, 31622400)
          ->type_name("SECONDS"));
  add("--at",
      app.add_option("--at", wanted.at, "As if it were another time, in UTC: 2026-11-29 12:00")
          ->type_name("TIME"));
  add("--https", app.add_flag("--https", wanted.https, "As if the client came over https"));
}

void add_url_options(cli::Options& app, Wanted& wanted) {
  const auto add = [&](const char* name, cli::Option* option) {
    wanted.for_url.push_back({name, option->group("For a URL")});
  };
  add("--connect",
      app.add_option("--connect", wanted.connect,
                     "Where httpd listens on this machine, if not at 127.0.0.1 or ::1 and the "
                     "URL's port")
          ->type_name("HOST:PORT"));
  add("--user-agent", app.add_option("--user-agent", wanted.user_agent, "The client's User-Agent")
                          ->type_name("TEXT"));
  add("--cacert", app.add_option("--cacert", wanted.ca_file,
                                 "Authorities that may have signed httpd's certificate, instead "
                                 "of the system's")
                      ->type_name("FILE"));
  add("--key",
      app.add_option("--key", wanted.key_file, "The file with the key, if MirrorExplain names one")
          ->type_name("FILE"));
}

}  // namespace

Action setup_explain(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("path", wanted->subject,
                 "The file's path in the tree, or its URL: then httpd on this machine is asked")
      ->required()
      ->type_name("PATH|URL");
  app.add_option("--ip", wanted->address,
                 "The client's address; required for a PATH, for a URL by default this machine's")
      ->type_name("ADDRESS");
  app.add_option("--country", wanted->country, "As if the client asked with country=CC")
      ->type_name("CC");
  app.add_option("--as", wanted->as_number, "As if the client asked with as=NUMBER")
      ->type_name("NUMBER");
  app.add_flag("--json", wanted->json, "As JSON");
  add_path_options(app, *wanted);
  add_url_options(app, *wanted);
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
