// mb explain: the ranked list that the redirector would make for a client and a file, by the same
// lookup and the same ranking.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <map>
#include <tuple>

#include "answer/decide.h"
#include "client.h"
#include "commands.h"
#include "core/path.h"
#include "db/files.h"
#include "db/lookup.h"
#include "db/mirror/mirrors.h"
#include "output.h"
#include "rank/rank.h"
#include "record.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string path, address, country, as_number, at;
  RankSettings settings;  // what httpd's configuration may set
  bool https = false, json = false;
};

struct Explained {
  Client client;
  db::FoundFile found;
  std::shared_ptr<const MirrorTable> mirrors;
  Ranking ranking;
  db::FileTimes times;
  std::int64_t at_s = 0;  // the moment that is explained
  struct Without {
    const Mirror* mirror;
    std::string reason;
  };
  std::vector<Without> without_file;
};

// What only httpd's configuration and disk tell.
constexpr const char* kUnknown =
    "not looked at: what only httpd's configuration says (exclusions, MirrorMinSize, fallbacks, "
    "rights), and with MirrorTree local whether the file on disk is this version";

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

// Why a mirror is not among those that have the file, as far as the database knows: it keeps what
// mirrors have of the present version alone.
std::string reason_without(const std::optional<std::int64_t>& last_scan_s,
                           const db::FileTimes& times) {
  if (!last_scan_s) return "was never scanned";
  const std::string scanned = utc_minute(*last_scan_s);
  if (times.version_since_s && *last_scan_s < *times.version_since_s) {
    return fmt::format("not scanned since the file changed: scanned {}, this version is of {}",
                       scanned, utc_minute(*times.version_since_s));
  }
  return fmt::format("lacked the file or had another version, when scanned {}", scanned);
}

// The same validation as the redirector's query arguments.
Client as_seen(Context& context, const Wanted& wanted) {
  const auto address = Address::parse(wanted.address);
  if (!address)
    throw UsageError(fmt::format("--ip '{}': expected an IPv4 or IPv6 address", wanted.address));
  std::string text;
  if (!wanted.country.empty()) text = "country=" + wanted.country;
  if (!wanted.as_number.empty()) text += (text.empty() ? "as=" : "&as=") + wanted.as_number;
  const Query query = parse_query(text);
  if (query.malformed || query.country.has_value() == wanted.country.empty()) {
    throw UsageError(fmt::format(
        "--country '{}', --as '{}': expected a country code of two letters, the number of an AS",
        wanted.country, wanted.as_number));
  }
  return overridden(context.geo().locate(*address), query);
}

db::FoundFile find(db::Connection& connection, std::string path) {
  path.erase(0, std::min(path.find_first_not_of('/'), path.size()));
  if (const PathFault fault = check_path(path); fault != PathFault::none) {
    throw UsageError(fmt::format("'{}' cannot be a file's path: {}", path, path_fault_text(fault)));
  }
  db::FoundFile found = db::find_file(connection, path);
  if (found.found == Found::directory)
    throw Failure(fmt::format("'{}' is a directory: those are not redirected", path));
  if (found.found == Found::absent) {
    throw Failure(
        fmt::format("no file '{}' in the table: clients get 404 for it (or the local file, with "
                    "MirrorTree local)",
                    path));
  }
  return found;
}

Explained explain(Context& context, const Wanted& wanted) {
  Explained result;
  result.client = as_seen(context, wanted);
  db::Connection& connection = context.database();
  result.found = find(connection, wanted.path);
  result.mirrors = db::load_mirrors(connection);
  const File& file = result.found.file;
  result.times = db::file_times(connection, file.path);
  result.at_s =
      wanted.at.empty() ? static_cast<std::int64_t>(std::time(nullptr)) : parse_time(wanted.at);
  const RankRequest request{wanted.https, file.size_bytes, result.at_s};
  result.ranking = rank(result.client, request, file.mirrors, *result.mirrors, wanted.settings);
  const std::vector<MirrorId> with_file = file.mirrors.ids();
  std::map<MirrorId, std::optional<std::int64_t>> scanned;
  for (const db::MirrorRecord& record : db::list_mirrors(connection))
    scanned[record.mirror.id] = record.last_scan_s;
  for (const Mirror& mirror : result.mirrors->all()) {
    if (std::find(with_file.begin(), with_file.end(), mirror.id) == with_file.end())
      result.without_file.push_back({&mirror, reason_without(scanned[mirror.id], result.times)});
  }
  return result;
}

// Whether the file's grace is over at the moment that is explained.
bool is_past_grace(const Explained& explained) {
  const auto& end = explained.times.grace_ends_s;
  return end && explained.at_s >= *end;
}

// Each candidate's part of the clients like this one, among those that it competes with: its tier,
// less whoever may not speak the client's family, refuses files of this size or has a shorter
// prefix. Later classes get clients only when all before them have failed.
std::vector<double> shares(const std::vector<Candidate>& accepted) {
  const auto class_of = [](const Candidate& c) {
    const int prefix_bits = c.tier == Tier::prefix ? c.prefix_bits : 0;
    return std::tuple(c.oversized, c.tier, c.speaks_family, prefix_bits);
  };
  std::map<std::tuple<bool, Tier, bool, int>, double> sums;
  for (const Candidate& candidate : accepted)
    sums[class_of(candidate)] += candidate.effective_weight;
  std::vector<double> result;
  for (const Candidate& candidate : accepted)
    result.push_back(candidate.effective_weight / sums[class_of(candidate)]);
  return result;
}

std::string note(const Candidate& candidate, const Client& client) {
  std::string text;
  if (!candidate.speaks_family) text = "may not speak IPv6";
  if (candidate.oversized)
    text += std::string(text.empty() ? "" : ", ") + "the file is above its file_maxsize";
  const bool own_region =
      client.region != Region::unknown && candidate.mirror->region == client.region;
  if (candidate.tier == Tier::far && own_region)
    text += std::string(text.empty() ? "" : ", ") + "own region";
  return text;
}

void say_client_and_file(const Explained& explained, const Wanted& wanted) {
  const Client& client = explained.client;
  const File& file = explained.found.file;
  const std::string place = client_text(client);
  Table table(2);
  table.add(
      {"client", fmt::format("{}{}: {}", client.address.text(), wanted.https ? " over https" : "",
                             place.empty() ? "nothing known of its place" : place)});
  table.add({"file", fmt::format("{} ({} bytes, {})", file.path, grouped(file.size_bytes),
                                 utc_minute(file.mtime_s))});
  if (file.pending)
    table.add(
        {"pending", "touched at the source and not yet hashed again: not redirected for now"});
  if (explained.times.gone_s) {
    table.add(
        {"gone", fmt::format("from the source since {}; {} {}", utc_minute(*explained.times.gone_s),
                             is_past_grace(explained) ? "not redirected any more since"
                                                      : "redirected until",
                             utc_minute(*explained.times.grace_ends_s))});
  }
  const auto& accepted = explained.ranking.accepted;
  table.add(
      {"goes to", accepted.empty() || file.pending || is_past_grace(explained)
                      ? "no mirror: the fallback, the origin or the local file answers"
                      : file_url(base_url(*accepted.front().mirror, wanted.https), file.path)});
  table.say();
}

void say_candidates(const Explained& explained) {
  const auto& accepted = explained.ranking.accepted;
  if (accepted.empty()) return;
  Table table({{"#", Align::right},
               {"MIRROR"},
               {"TIER"},
               {"CC"},
               {"DISTANCE", Align::right},
               {"WEIGHT", Align::right},
               {"EFFECTIVE", Align::right},
               {"SHARE OF TIER", Align::right},
               {"NOTE"}});
  const std::vector<double> share = shares(accepted);
  for (std::size_t i = 0; i < accepted.size(); ++i) {
    const Candidate& candidate = accepted[i];
    const bool known = !std::isnan(candidate.distance_km);
    table.add({std::to_string(i + 1), candidate.mirror->identifier,
               std::string(tier_name(candidate.tier)),
               std::string(candidate.mirror->country.text()),
               known ? fmt::format("{:.0f} km", candidate.distance_km) : "unknown",
               std::to_string(candidate.mirror->weight),
               fmt::format("{:.2f}", candidate.effective_weight),
               fmt::format("{:.1f} %", 100 * share[i]), note(candidate, explained.client)});
  }
  say("");
  table.say();
}

void say_rejected(const Explained& explained) {
  Table table({{"REJECTED"}, {"REASON"}});
  for (const Rejected& rejected : explained.ranking.rejected) {
    table.add({rejected.mirror != nullptr ? rejected.mirror->identifier
                                          : fmt::format("number {}", rejected.id),
               std::string(reject_text(rejected.reason))});
  }
  for (const auto& [mirror, reason] : explained.without_file)
    table.add({mirror->identifier, reason});
  if (table.empty()) return;
  say("");
  table.say();
}

nlohmann::json candidate_json(const Candidate& candidate, double share, const File& file,
                              bool https) {
  const bool known = !std::isnan(candidate.distance_km);
  return {{"mirror", candidate.mirror->identifier},
          {"tier", tier_name(candidate.tier)},
          {"distance_km", known ? nlohmann::json(candidate.distance_km) : nlohmann::json()},
          {"weight", candidate.mirror->weight},
          {"effective_weight", candidate.effective_weight},
          {"share", share},
          {"speaks_family", candidate.speaks_family},
          {"oversized", candidate.oversized},
          {"url", file_url(base_url(*candidate.mirror, https), file.path)}};
}

nlohmann::json explained_json(const Explained& explained, const Wanted& wanted) {
  const File& file = explained.found.file;
  nlohmann::json json = {
      {"client", client_json(explained.client)},
      {"file",
       {{"size", file.size_bytes}, {"mtime", rfc3339(file.mtime_s)}, {"pending", file.pending}}},
      {"candidates", nlohmann::json::array()},
      {"rejected", nlohmann::json::array()}};
  put_bytes(json["file"], "path", file.path);
  json["client"]["https"] = wanted.https;
  const std::vector<double> share = shares(explained.ranking.accepted);
  for (std::size_t i = 0; i < share.size(); ++i) {
    json["candidates"].push_back(
        candidate_json(explained.ranking.accepted[i], share[i], file, wanted.https));
  }
  for (const Rejected& rejected : explained.ranking.rejected) {
    json["rejected"].push_back(
        {{"mirror",
          rejected.mirror != nullptr ? nlohmann::json(rejected.mirror->identifier) : nullptr},
         {"id", rejected.id},
         {"reason", reject_text(rejected.reason)}});
  }
  for (const auto& [mirror, reason] : explained.without_file) {
    json["rejected"].push_back(
        {{"mirror", mirror->identifier}, {"id", mirror->id}, {"reason", reason}});
  }
  const auto time_json = [](const std::optional<std::int64_t>& time_s) {
    return time_s ? nlohmann::json(rfc3339(*time_s)) : nlohmann::json();
  };
  json["at"] = rfc3339(explained.at_s);
  json["file"]["version_since"] = time_json(explained.times.version_since_s);
  json["file"]["gone"] = time_json(explained.times.gone_s);
  json["file"]["grace_ends"] = time_json(explained.times.grace_ends_s);
  json["not_looked_at"] = kUnknown;
  return json;
}

int run(Context& context, const Wanted& wanted) {
  const Explained explained = explain(context, wanted);
  if (context.geo().empty())
    complain(
        "no geo_databases in the configuration: the client's place is not known; see mb.toml(5)");
  if (wanted.json) {
    say_json(explained_json(explained, wanted));
    return kSuccess;
  }
  say_client_and_file(explained, wanted);
  say_candidates(explained);
  say_rejected(explained);
  say("");
  say(kUnknown);
  return kSuccess;
}

}  // namespace

Action setup_explain(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("path", wanted->path, "The file's path in the tree")
      ->required()
      ->type_name("PATH");
  app.add_option("--ip", wanted->address, "The client's address")->required()->type_name("ADDRESS");
  app.add_option("--country", wanted->country, "As if the client asked with country=CC")
      ->type_name("CC");
  app.add_option("--as", wanted->as_number, "As if the client asked with as=NUMBER")
      ->type_name("NUMBER");
  app.add_option("--distance-scale", wanted->settings.distance_scale_km,
                 "So many kilometres farther than the nearest mirror, and a quarter of the nearest "
                 "one's distance more, a weight falls to a quarter; as httpd is configured (200)")
      ->between(1.0, 20000.0)
      ->type_name("KM");
  app.add_option(
         "--stickiness", wanted->settings.sticky_s,
         "The seconds for which a client keeps its mirror, as the redirector is configured (3600)")
      ->between(0, 31622400)
      ->type_name("SECONDS");
  app.add_option("--at", wanted->at, "As if it were another time, in UTC: 2026-11-29 12:00")
      ->type_name("TIME");
  app.add_flag("--https", wanted->https, "As if the client came over https");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
