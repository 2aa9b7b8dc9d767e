// mb top: what clients ask for most, by httpd's access logs: files, folders, mirrors, countries.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>
#include <variant>

#include "core/heavy_hitters.h"
#include "core/logged_answer.h"
#include "core/path.h"
#include "moving/access_log.h"
#include "tools/mb/commands.h"
#include "tools/mb/files/log_lines.h"
#include "tools/mb/output.h"
#include "tools/mb/since.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::vector<std::string> files;
  std::string since;
  int count = 10, depth = 1;
  bool json = false;
};

// One ranking: what it counts, in words, and in JSON.
struct Ranked {
  const char* title;
  const char* name;
  const char* member;  // of its entries
  HeavyHitters hitters;
};

class Tally {
 public:
  Tally(Context& context, const Wanted& wanted, std::int64_t since_s)
      : context_(context), wanted_(wanted), since_s_(since_s) {}

  void take(std::string_view text) {
    const auto parsed = parse_log_line(text);
    const auto* const request = std::get_if<LoggedRequest>(&parsed);
    const auto line = parse_logged_answer(text);
    if (request == nullptr || !line) {
      skipped += !line || std::get<SkippedLine>(parsed) == SkippedLine::unreadable;
      return;
    }
    const std::string path = path_of(*request);
    const bool is_download = line->status >= 200 && line->status < 400;
    if (line->time_s < since_s_ || !is_download) return;
    ++requests;
    first_s = std::min(first_s, line->time_s);
    last_s = std::max(last_s, line->time_s);
    // Of a redirect the file's size tells what the mirror sends. The module logs a mirror also
    // where httpd sends the file itself.
    const bool is_redirect =
        !line->mirror.empty() && line->status > 300 && line->status != 304 && line->status <= 308;
    const std::int64_t bytes = is_redirect ? line->size_bytes : line->bytes;
    paths().add(path, bytes);
    folders().add(folder_of(path), bytes);
    if (is_redirect) mirrors().add(line->mirror, bytes);
    if (const std::string country = country_of(*request, *line); !country.empty())
      countries().add(country, bytes);
  }

  std::array<Ranked, 4> rankings = {Ranked{"FILE", "paths", "path", HeavyHitters()},
                                    Ranked{"FOLDER", "folders", "folder", HeavyHitters()},
                                    Ranked{"MIRROR", "mirrors", "mirror", HeavyHitters()},
                                    Ranked{"COUNTRY", "countries", "country", HeavyHitters()}};
  std::int64_t requests = 0, skipped = 0;
  std::int64_t first_s = std::numeric_limits<std::int64_t>::max(), last_s = 0;

 private:
  HeavyHitters& paths() { return rankings[0].hitters; }
  HeavyHitters& folders() { return rankings[1].hitters; }
  HeavyHitters& mirrors() { return rankings[2].hitters; }
  HeavyHitters& countries() { return rankings[3].hitters; }

  // Without the query and the slash in front.
  static std::string path_of(const LoggedRequest& request) {
    std::string_view target = request.target;
    target = target.substr(0, target.find('?'));
    target.remove_prefix(std::min(target.find_first_not_of('/'), target.size()));
    return percent_decode(target).value_or(std::string(target));
  }

  // So many folders deep; "" is the top.
  std::string folder_of(const std::string& path) const {
    std::size_t end = 0;
    for (int i = 0; i < wanted_.depth; ++i) {
      const std::size_t slash = path.find('/', end);
      if (slash == path.npos) break;
      end = slash + 1;
    }
    return path.substr(0, end);
  }

  // As it is logged, else by the GeoIP databases.
  std::string country_of(const LoggedRequest& request, const LoggedAnswer& line) {
    if (!line.country.empty()) return std::string(line.country);
    const auto address = Address::parse(request.client);
    if (!address) return "";
    return std::string(context_.geo().locate(*address).country.text());
  }

  Context& context_;
  const Wanted& wanted_;
  const std::int64_t since_s_;
};

nlohmann::json to_json(const Tally& tally, const Wanted& wanted) {
  const bool any = tally.requests > 0;
  nlohmann::json json = {{"requests", tally.requests},
                         {"lines_not_understood", tally.skipped},
                         {"first", any ? nlohmann::json(rfc3339(tally.first_s)) : nlohmann::json()},
                         {"last", any ? nlohmann::json(rfc3339(tally.last_s)) : nlohmann::json()}};
  for (const Ranked& ranked : tally.rankings) {
    nlohmann::json& list = json[ranked.name] = nlohmann::json::array();
    for (const auto& one : ranked.hitters.top(static_cast<std::size_t>(wanted.count))) {
      nlohmann::json& told = list.emplace_back();
      told = {{"requests", one.count}, {"error", one.error}, {"bytes", one.bytes}};
      put_bytes(told, ranked.member, one.key);
    }
  }
  return json;
}

void say_ranking(const Ranked& ranked, const Tally& tally, const Wanted& wanted) {
  Table table(
      {{"REQUESTS", Align::right}, {"SHARE", Align::right}, {"GB", Align::right}, {ranked.title}});
  for (const auto& one : ranked.hitters.top(static_cast<std::size_t>(wanted.count))) {
    const double share =
        100.0 * static_cast<double>(one.count) / static_cast<double>(tally.requests);
    table.add({(one.error > 0 ? "≤ " : "") + grouped(one.count), fmt::format("{:.1f} %", share),
               fmt::format("{:.3f}", static_cast<double>(one.bytes) / 1e9),
               one.key.empty() ? "(top)" : one.key});
  }
  if (table.empty()) return;
  say_lines("\n");
  table.say();
}

void say_text(const Tally& tally, const Wanted& wanted) {
  if (tally.requests > 0) {
    say(fmt::format("{} downloads from {} to {}", grouped(tally.requests),
                    utc_minute(tally.first_s), utc_minute(tally.last_s)));
    for (const Ranked& ranked : tally.rankings) say_ranking(ranked, tally, wanted);
  }
  if (tally.skipped > 0)
    complain(fmt::format("{} of an access log", tally.skipped == 1
                                                    ? "1 line is not"
                                                    : grouped(tally.skipped) + " lines are not"));
}

int run(Context& context, Wanted wanted) {
  if (wanted.files.empty()) wanted.files.emplace_back("-");
  Tally tally(context, wanted, wanted.since.empty() ? 0 : parse_since(wanted.since));
  for (const std::string& file : wanted.files) {
    LogLines lines(file);
    for (std::string line; lines.next(line);) tally.take(line);
  }
  if (wanted.json)
    say_json(to_json(tally, wanted));
  else
    say_text(tally, wanted);
  if (tally.requests > 0) return kSuccess;
  complain("no downloads in the log");
  return kFailure;
}

}  // namespace

Action setup_top(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("files", wanted->files,
                 "httpd's access logs, also compressed by gzip; -, or none: standard "
                 "input")
      ->type_name("FILE");
  app.add_option("-n,--count", wanted->count, "How many of each to show (10)")
      ->between(1, 10000)
      ->type_name("N");
  app.add_option("--depth", wanted->depth, "How deep folders are told apart (1)")
      ->between(1, 100)
      ->type_name("N");
  app.add_option(
         "--since", wanted->since,
         "Only requests since that day or minute by UTC (2026-11-29 12:00), or age (12h, 7d)")
      ->type_name("TIME");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
