// mb why-not: each reason why a mirror gets no redirects for a file, and what else keeps clients
// away from it.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "core/path.h"
#include "db/tree_view.h"
#include "explain/client.h"
#include "explain/explanation.h"
#include "rank/rank.h"
#include "tools/mb/commands.h"
#include "tools/mb/files/tree_file.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

constexpr const char* kUnknown =
    "not looked at: what only httpd's configuration says (exclusions, MirrorMinSize, fallbacks, "
    "rights); `mb explain URL` asks httpd";

struct Wanted {
  std::string identifier, path;
  std::optional<std::string> client;
  bool https = false, json = false;
};

// Where it stands among those that may serve the client.
struct Standing {
  std::size_t place = 0, of = 0;  // place 1: first; 0: nowhere
  double share = 0;
  std::string tier, first, first_tier;
};

struct Answer {
  std::string path;
  std::vector<std::string> reasons;  // each of which is enough
  std::vector<std::string> notes;
  std::optional<Client> client;
  Standing standing;
};

// The mirror as it would be without that reason, so that the next one shows.
bool overcome(RejectReason reason, Mirror& mirror) {
  switch (reason) {
    case RejectReason::disabled:
      return mirror.enabled = true;
    case RejectReason::offline:
      return mirror.online = true;
    case RejectReason::down:
      mirror.down = {};
      return true;
    case RejectReason::stale:
    case RejectReason::wrong:
    case RejectReason::returning:
      mirror.standing = mirror::Standing::good;
      return true;
    case RejectReason::no_weight:
      mirror.weight = 100;
      return true;
    case RejectReason::https_only_client:
      mirror.https_url = "https://a.invalid/";
      return true;
    case RejectReason::ipv6_only:
      return mirror.ipv4 = true;
    case RejectReason::prefix_only:
      mirror.prefix_only = false;
      return true;
    case RejectReason::as_only:
      mirror.as_only = false;
      return true;
    case RejectReason::country_only:
      mirror.country_only = false;
      return true;
    case RejectReason::region_only:
      mirror.region_only = false;
      return true;
    case RejectReason::excluded_country:
      mirror.excluded_countries.clear();
      return true;
    case RejectReason::unknown_mirror:
    case RejectReason::no_url:
    case RejectReason::avoided:
      break;
  }
  return false;
}

// `next` tells the first reason against a mirror; each is taken away until there is none.
template <typename Next>
void add_all(Mirror mirror, std::vector<std::string>& reasons, const Next& next) {
  std::optional<RejectReason> before;
  while (true) {
    const std::optional<RejectReason> reason = next(mirror);
    if (!reason || reason == before) return;
    before = reason;
    reasons.push_back(reject_text(*reason, &mirror));
    if (!overcome(*reason, mirror)) return;
  }
}

RankRequest request_for(const File& file, const MirrorTable& mirrors, const Wanted& wanted) {
  return {wanted.https, file.size_bytes, static_cast<std::int64_t>(std::time(nullptr)),
          mirrors.is_for_stale(file.path)};
}

std::optional<RejectReason> against(const Mirror& mirror, const Client& client,
                                    const RankRequest& request) {
  const MirrorTable alone(0, {mirror});
  const std::vector<MirrorId> ids = {mirror.id};
  const Ranking ranking = rank(client, request, ids, alone, {});
  return ranking.rejected.empty() ? std::nullopt : std::optional(ranking.rejected.front().reason);
}

void add_file_reasons(const db::FoundFile& found, const WhyLacking& lacking, const Mirror& mirror,
                      db::Connection& connection, Answer& answer) {
  const File& file = found.file;
  if (file.pending)
    answer.reasons.push_back("the file was touched and is not hashed again yet: no mirror gets it");
  const auto grace_ends_s = lacking.times().grace_ends_s;
  if (grace_ends_s && *grace_ends_s <= std::time(nullptr))
    answer.reasons.push_back("the file is gone from the source, and its grace time is over");
  if (std::string held_back = held_back_because(file, mirror.id); !held_back.empty()) {
    answer.reasons.push_back(held_back);
    return;
  }
  const std::vector<MirrorId> ids = file.mirrors.ids();
  if (std::find(ids.begin(), ids.end(), mirror.id) != ids.end()) return;
  std::string reason = lacking.reason(mirror.id);
  if (const auto old = db::listed_old_version(connection, mirror.id, file.path)) {
    reason += fmt::format("; its last full scan listed {} bytes of {} instead of {} of {}",
                          grouped(old->size_bytes), utc_minute(old->mtime_s),
                          grouped(file.size_bytes), utc_minute(file.mtime_s));
  }
  answer.reasons.push_back(reason);
}

// What keeps some clients away, or most.
void add_notes(const Mirror& mirror, const File& file, Answer& answer) {
  if (is_oversized(mirror, file.size_bytes))
    answer.notes.push_back(
        fmt::format("the file is larger than its file_maxsize of {} bytes: it comes after all "
                    "others",
                    grouped(mirror.file_maxsize)));
  if (mirror.max_mbit > 0)
    answer.notes.push_back(
        fmt::format("beyond max_mbit of {} Mbit/s clients get the next mirror", mirror.max_mbit));
  if (answer.client) return;
  for (const auto& [is_set, words] :
       {std::pair(mirror.prefix_only, "prefix_only: clients in its prefixes only"),
        std::pair(mirror.as_only, "as_only: clients in its AS only"),
        std::pair(mirror.country_only, "country_only: clients in its country only"),
        std::pair(mirror.region_only, "region_only: clients in its region only"),
        std::pair(!mirror.excluded_countries.empty(),
                  "excluded_countries: no clients in these countries"),
        std::pair(mirror.https_url.empty(), "it has no https URL: no https clients"),
        std::pair(!mirror.ipv4, "it has no IPv4: IPv6 clients only")}) {
    if (is_set) answer.notes.emplace_back(words);
  }
}

Standing standing_of(const Mirror& mirror, const Client& client, const RankRequest& request,
                     const File& file, const MirrorTable& mirrors) {
  const Ranking ranking = rank(client, request, file.mirrors, mirrors, {});
  const std::vector<double> share = shares(ranking.accepted);
  Standing standing;
  standing.of = ranking.accepted.size();
  for (std::size_t i = 0; i < ranking.accepted.size(); ++i) {
    const Candidate& candidate = ranking.accepted[i];
    if (i == 0) {
      standing.first = candidate.mirror->identifier;
      standing.first_tier = tier_name(candidate.tier);
    }
    if (candidate.mirror->id != mirror.id) continue;
    standing.place = i + 1;
    standing.share = share[i];
    standing.tier = tier_name(candidate.tier);
  }
  return standing;
}

Answer find_out(Context& context, const Wanted& wanted) {
  const std::string identifier = require_mirror(context, wanted.identifier).mirror.identifier;
  db::Connection& connection = context.database();
  db::FoundFile found = require_file(connection, wanted.path);
  const auto mirrors = db::load_mirrors(connection);
  db::heed_rules(found, mirrors->rules());
  const auto known = std::find_if(mirrors->all().begin(), mirrors->all().end(),
                                  [&](const Mirror& m) { return m.identifier == identifier; });
  if (known == mirrors->all().end())
    throw Failure(fmt::format("mirror '{}': its row cannot be read", identifier));
  Answer answer;
  answer.path = found.file.path;
  if (const auto& pause = mirrors->pause())
    answer.reasons.push_back("redirects are paused " + pause->text());
  add_file_reasons(found, WhyLacking(connection, found.file), *known, connection, answer);
  const RankRequest request = request_for(found.file, *mirrors, wanted);
  if (wanted.client) {
    const auto address = Address::parse(*wanted.client);
    if (!address)
      throw UsageError(
          fmt::format("--client '{}': expected an IPv4 or IPv6 address", *wanted.client));
    answer.client = context.geo().locate(*address);
    add_all(*known, answer.reasons,
            [&](const Mirror& mirror) { return against(mirror, *answer.client, request); });
    answer.standing = standing_of(*known, *answer.client, request, found.file, *mirrors);
  } else {
    add_all(*known, answer.reasons,
            [&](const Mirror& mirror) { return serves_nobody(mirror, request.with_stale); });
  }
  add_notes(*known, found.file, answer);
  return answer;
}

std::string standing_text(const Standing& standing) {
  if (standing.of == 0) return "no mirror may serve this client";
  if (standing.place == 0)
    return fmt::format("{} mirrors may serve this client; the first is {} (tier {})", standing.of,
                       standing.first, standing.first_tier);
  std::string text = fmt::format("it is number {} of {} for this client now (tier {})",
                                 standing.place, standing.of, standing.tier);
  if (standing.tier != standing.first_tier)
    return text + fmt::format(": nearer ones come first, as {} (tier {})", standing.first,
                              standing.first_tier);
  return text + fmt::format("; {:.0f} % of such clients get it first", 100 * standing.share);
}

nlohmann::json to_json(const Answer& answer, const std::string& identifier) {
  nlohmann::json json = {{"mirror", identifier},      {"gets_redirects", answer.reasons.empty()},
                         {"reasons", answer.reasons}, {"notes", answer.notes},
                         {"not_looked_at", kUnknown}, {"client", nullptr},
                         {"standing", nullptr}};
  put_bytes(json, "path", answer.path);
  if (!answer.client) return json;
  const Standing& standing = answer.standing;
  json["client"] = client_json(*answer.client);
  json["standing"] = {{"place", standing.place}, {"of", standing.of},
                      {"share", standing.share}, {"tier", standing.tier},
                      {"first", standing.first}, {"first_tier", standing.first_tier}};
  return json;
}

int run(Context& context, const Wanted& wanted) {
  const Answer answer = find_out(context, wanted);
  if (wanted.json) {
    say_json(to_json(answer, require_mirror(context, wanted.identifier).mirror.identifier));
    return kSuccess;
  }
  if (answer.client && !context.geo().empty())
    say(fmt::format("client: {}", client_text(*answer.client)));
  say(answer.reasons.empty()
          ? "nothing that the database knows keeps it from getting redirects for this file"
          : "it gets no redirects for this file:");
  for (const std::string& reason : answer.reasons) say("  " + reason);
  for (const std::string& note : answer.notes) say("note: " + note);
  if (answer.client) say(standing_text(answer.standing));
  say(kUnknown);
  return kSuccess;
}

}  // namespace

Action setup_why_not(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("identifier", wanted->identifier, "The mirror")->required()->type_name("IDENT");
  app.add_option("path", wanted->path, "The file's path in the tree")
      ->required()
      ->type_name("PATH");
  app.add_option("--client", wanted->client, "For a client with this address")
      ->type_name("ADDRESS");
  app.add_flag("--https", wanted->https, "For a client that comes over https; with --client");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
