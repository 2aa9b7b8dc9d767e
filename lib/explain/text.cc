#include <fmt/core.h>

#include <cmath>

#include "core/path.h"
#include "core/readable.h"
#include "core/text_table.h"
#include "explain/client.h"
#include "explain/explanation.h"

namespace mirror {
namespace {

bool is_past_grace(const Explanation& explanation) {
  const auto& end = explanation.file->grace_ends_s;
  return end && explanation.at_s >= *end;
}

std::string gone_text(const Explanation& explanation) {
  const ExplainedFile& file = *explanation.file;
  if (!file.gone_s || !file.grace_ends_s) return "from the source; within its grace time";
  return fmt::format(
      "from the source since {}; {} {}", utc_minute(*file.gone_s),
      is_past_grace(explanation) ? "not redirected any more since" : "redirected until",
      utc_minute(*file.grace_ends_s));
}

void add_file(TextTable& table, const Explanation& explanation) {
  const ExplainedFile& file = *explanation.file;
  table.add({"file", fmt::format("{} ({} bytes, {})", file.path, grouped(file.size_bytes),
                                 utc_minute(file.mtime_s))});
  if (const PathGlob* glob = immutable_glob(explanation))
    table.add({"immutable", fmt::format("it fits {}: its size alone decides, and stale mirrors "
                                        "serve it too",
                                        glob->text())});
  if (file.pending)
    table.add(
        {"pending", "touched at the source and not yet hashed again: not redirected for now"});
  if (file.gone) table.add({"gone", gone_text(explanation)});
}

std::string head(const Explanation& explanation) {
  const Client& client = explanation.client;
  const std::string place = client_text(client);
  TextTable table(2);
  table.add({"client",
             fmt::format("{}{}: {}", client.address.text(), explanation.https ? " over https" : "",
                         place.empty() ? "nothing known of its place" : place)});
  if (explanation.file) add_file(table, explanation);
  if (const Pause* pause = explanation.pause())
    table.add({"paused", pause->text() + "; nobody is sent to mirrors until `mb resume`"});
  if (!explanation.known_from.empty()) table.add({"known from", explanation.known_from});
  table.add({"goes to", explanation.answer.text});
  if (!explanation.answer.because.empty()) table.add({"because", explanation.answer.because});
  return table.text();
}

std::string note(const Candidate& candidate, const Explanation& explanation) {
  const Client& client = explanation.client;
  std::string text;
  const auto add = [&text](bool holds, const char* words) {
    if (holds) text.append(text.empty() ? "" : ", ").append(words);
  };
  const Mirror& mirror = *candidate.mirror;
  add(!candidate.speaks_family, "may not speak IPv6");
  add(candidate.oversized, "the file is above its file_maxsize");
  add(mirror.standing == Standing::stale, "stale, but the file is immutable");
  add(candidate.tier == Tier::far && client.region != Region::unknown &&
          candidate.region == client.region,
      "own region");
  add(has_former_only(explanation, candidate), "has a former version, whose hashes are told");
  return text;
}

std::string candidates_text(const Explanation& explanation) {
  const auto& accepted = explanation.ranking.accepted;
  if (accepted.empty()) return "";
  TextTable table({{"#", Align::right},
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
               std::string(tier_name(candidate.tier)), std::string(candidate.country.text()),
               known ? fmt::format("{:.0f} km", candidate.distance_km) : "unknown",
               std::to_string(candidate.mirror->weight),
               fmt::format("{:.2f}", candidate.effective_weight),
               fmt::format("{:.1f} %", 100 * share[i]), note(candidate, explanation)});
  }
  return "\n" + table.text();
}

std::string rejected_text(const Explanation& explanation) {
  TextTable table({{"REJECTED"}, {"REASON"}});
  for (const Rejected& rejected : explanation.ranking.rejected) {
    table.add({rejected.mirror != nullptr ? rejected.mirror->identifier
                                          : fmt::format("number {}", rejected.id),
               reject_text(rejected.reason, rejected.mirror)});
  }
  for (const LeftOut& mirror : explanation.left_out) table.add({mirror.identifier, mirror.reason});
  return table.empty() ? "" : "\n" + table.text();
}

}  // namespace

std::string explanation_text(const Explanation& explanation) {
  std::string text = head(explanation) + candidates_text(explanation) + rejected_text(explanation);
  if (!explanation.not_looked_at.empty())
    text += "\n" + printable(explanation.not_looked_at) + "\n";
  return text;
}

}  // namespace mirror
