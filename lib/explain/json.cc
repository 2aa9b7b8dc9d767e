#include "explain/json.h"

#include <fmt/core.h>

#include <cmath>

#include "core/path.h"
#include "core/readable.h"
#include "explain/explanation.h"

namespace mirror {
namespace {

using nlohmann::json;

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }

json file_json(const Explanation& explanation) {
  const ExplainedFile& file = *explanation.file;
  const PathGlob* const glob = immutable_glob(explanation);
  json told = {{"size", file.size_bytes},
               {"mtime", rfc3339(file.mtime_s)},
               {"pending", file.pending},
               {"immutable", glob != nullptr ? json(glob->text()) : json()},
               {"is_gone", file.gone},
               {"version_since", time_json(file.version_since_s)},
               {"gone", time_json(file.gone_s)},
               {"grace_ends", time_json(file.grace_ends_s)}};
  put_bytes(told, "path", file.path);
  return told;
}

json pause_json(const Pause* pause) {
  return pause == nullptr ? json()
                          : json{{"since", rfc3339(pause->since_s)}, {"reason", pause->reason}};
}

json answer_json(const ExplainedAnswer& answer) {
  return {{"status", answer.status ? json(*answer.status) : json()},
          {"url", text_or_null(answer.url)},
          {"text", answer.text},
          {"declined", text_or_null(answer.declined)},
          {"because", text_or_null(answer.because)}};
}

json candidate_json(const Candidate& candidate, double share, const Explanation& explanation) {
  const bool known = !std::isnan(candidate.distance_km);
  const std::string_view base =
      base_url(*candidate.mirror, explanation.https, explanation.client.address.family);
  return {{"mirror", candidate.mirror->identifier},
          {"tier", tier_name(candidate.tier)},
          {"distance_km", known ? json(candidate.distance_km) : json()},
          {"weight", candidate.mirror->weight},
          {"effective_weight", candidate.effective_weight},
          {"share", share},
          {"speaks_family", candidate.speaks_family},
          {"oversized", candidate.oversized},
          {"stale", candidate.mirror->standing == Standing::stale},
          {"former", has_former_only(explanation, candidate)},
          {"url", explanation.file ? json(file_url(base, explanation.file->path)) : json()}};
}

json candidates_json(const Explanation& explanation) {
  const auto& accepted = explanation.ranking.accepted;
  const std::vector<double> share = shares(accepted);
  json list = json::array();
  for (std::size_t i = 0; i < share.size(); ++i)
    list.push_back(candidate_json(accepted[i], share[i], explanation));
  return list;
}

json rejected_json(const Explanation& explanation) {
  json list = json::array();
  for (const Rejected& rejected : explanation.ranking.rejected) {
    list.push_back(
        {{"mirror", rejected.mirror != nullptr ? json(rejected.mirror->identifier) : json()},
         {"id", rejected.id},
         {"reason", reject_text(rejected.reason, rejected.mirror)}});
  }
  for (const LeftOut& mirror : explanation.left_out)
    list.push_back({{"mirror", mirror.identifier}, {"id", mirror.id}, {"reason", mirror.reason}});
  return list;
}

}  // namespace

json time_json(const std::optional<std::int64_t>& time_s) {
  return time_s ? json(rfc3339(*time_s)) : json();
}

nlohmann::json client_json(const Client& client) {
  json told = {{"address", client.address.text()},
               {"country", client.country.text()},
               {"region", region_code(client.region)},
               {"latitude", nullptr},
               {"longitude", nullptr},
               {"asn", client.asn},
               {"as_name", client.as_name}};
  if (client.place) {
    told["latitude"] = client.place->latitude;
    told["longitude"] = client.place->longitude;
  }
  return told;
}

void put_bytes(nlohmann::json& object, const std::string& key, std::string_view bytes) {
  try {
    const json text = bytes;
    static_cast<void>(text.dump());
    object[key] = text;
  } catch (const json::type_error&) {
    std::string digits;
    for (const unsigned char byte : bytes) digits += fmt::format("{:02x}", byte);
    object[key + "_hex"] = digits;
  }
}

std::string explanation_json(const Explanation& explanation) {
  json told = {{"client", client_json(explanation.client)},
               {"file", explanation.file ? file_json(explanation) : json()},
               {"answer", answer_json(explanation.answer)},
               {"known_from", text_or_null(explanation.known_from)},
               {"paused", pause_json(explanation.pause())},
               {"candidates", candidates_json(explanation)},
               {"rejected", rejected_json(explanation)},
               {"at", rfc3339(explanation.at_s)},
               {"not_looked_at", text_or_null(explanation.not_looked_at)}};
  told["client"]["https"] = explanation.https;
  return told.dump(2, ' ', true, json::error_handler_t::replace) + "\n";
}

}  // namespace mirror
