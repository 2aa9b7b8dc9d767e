#include <fmt/format.h>

#include <algorithm>

#include "core/ascii.h"
#include "core/readable.h"
#include "core/text_table.h"
#include "tools/mb/moving/compare.h"

namespace mirror::mb {
namespace {

std::string host_of(std::string_view url) {
  const std::size_t begin = url.find("//") + 2;
  return lower(std::string(url.substr(begin, url.find_first_of("/?", begin) - begin)));
}

bool refuses(const Seen& seen) { return seen.status >= 400; }

// The file itself, as this server has it.
bool is_file(const Seen& seen) {
  return seen.fault.empty() && seen.target.empty() && seen.status == 200;
}

std::string size_fault(std::int64_t found, std::int64_t expected) {
  return fmt::format("other size: {} bytes instead of {}", grouped(found), grouped(expected));
}

// The smallest value that so many percent do not exceed; nullopt: there is none.
std::optional<std::int64_t> percentile(const std::vector<std::int64_t>& sorted, double percent) {
  if (sorted.empty()) return std::nullopt;
  const auto place = static_cast<std::size_t>(percent / 100 * static_cast<double>(sorted.size()));
  return sorted[std::min(place, sorted.size() - 1)];
}

constexpr double kPercents[] = {50, 90, 99};

std::string share(std::int64_t part, std::int64_t all) {
  if (all == 0) return "none to compare";
  return fmt::format("{} of {} ({:.1f} %)", grouped(part), grouped(all),
                     100.0 * static_cast<double>(part) / static_cast<double>(all));
}

std::string latency_text(const ComparedSide& side, double percent) {
  const auto found = percentile(side.latencies_ms, percent);
  return found ? grouped(*found) : "-";
}

nlohmann::json side_json(const ComparedSide& side) {
  nlohmann::json latency;
  for (const double percent : kPercents) {
    const auto found = percentile(side.latencies_ms, percent);
    latency[fmt::format("p{:.0f}", percent)] = found ? nlohmann::json(*found) : nlohmann::json();
  }
  return {{"url", side.url},
          {"wrong", side.wrong},
          {"no_redirect", side.no_redirect},
          {"latency_ms", latency}};
}

void add_side(ComparedSide& side, const Seen& seen) {
  if (!seen.fault.empty()) return;
  side.latencies_ms.push_back(seen.latency.count());
  if (seen.target.empty()) ++side.no_redirect;
}

}  // namespace

std::string wrong_because(const Seen& mine, const Seen& other,
                          const std::optional<std::int64_t>& true_size_bytes) {
  if (!mine.fault.empty()) return "no answer: " + mine.fault;
  if (refuses(mine))
    return other.fault.empty() && refuses(other) ? "" : fmt::format("answers {}", mine.status);
  if (!mine.end_fault.empty()) return "the target gives no answer: " + mine.end_fault;
  if (mine.end_status >= 300) return fmt::format("the target answers {}", mine.end_status);
  if (!mine.size_bytes) return "";
  if (true_size_bytes)
    return *mine.size_bytes == *true_size_bytes ? ""
                                                : size_fault(*mine.size_bytes, *true_size_bytes);
  const bool other_knows = is_file(other) && other.size_bytes && !is_file(mine);
  return other_knows && *mine.size_bytes != *other.size_bytes
             ? size_fault(*mine.size_bytes, *other.size_bytes)
             : "";
}

void Comparison::add(const ComparedRequest& one) {
  ++requests;
  add_side(a, one.a);
  add_side(b, one.b);
  if (!one.a.target.empty() && !one.b.target.empty()) {
    ++both_redirect;
    if (host_of(one.a.target) == host_of(one.b.target)) ++same_mirror;
    if (!one.a.country.empty() && !one.b.country.empty()) {
      ++countries_known;
      if (one.a.country == one.b.country) ++same_country;
    }
  }
  if (one.a.size_bytes && one.b.size_bytes && *one.a.size_bytes != *one.b.size_bytes)
    ++sizes_differ;
  const auto judge = [&](const char* name, ComparedSide& side, const Seen& mine,
                         const Seen& other) {
    const std::string reason = wrong_because(mine, other, one.true_size_bytes);
    if (reason.empty()) return;
    ++side.wrong;
    if (examples.size() < kMostExamples)
      examples.push_back({name, one.request.client, one.request.target, mine.target, reason});
  };
  judge("A", a, one.a, one.b);
  judge("B", b, one.b, one.a);
}

std::string comparison_text(Comparison& comparison) {
  ComparedSide* const sides[] = {&comparison.a, &comparison.b};
  for (ComparedSide* side : sides) std::sort(side->latencies_ms.begin(), side->latencies_ms.end());
  TextTable both(2);
  both.add({"requests", grouped(comparison.requests)});
  both.add({"lines left out",
            fmt::format("{} of another method, {} that cannot be read",
                        grouped(comparison.other_method), grouped(comparison.unreadable))});
  both.add({"same mirror", share(comparison.same_mirror, comparison.both_redirect)});
  both.add({"same country", share(comparison.same_country, comparison.countries_known)});
  both.add({"other size", grouped(comparison.sizes_differ)});
  TextTable table({{""}, {"A", Align::right}, {"B", Align::right}});
  const auto row = [&](const std::string& title, const auto& value) {
    table.add({title, grouped(value(comparison.a)), grouped(value(comparison.b))});
  };
  row("sent wrong", [](const ComparedSide& side) { return side.wrong; });
  row("no redirect", [](const ComparedSide& side) { return side.no_redirect; });
  for (const double percent : kPercents)
    table.add({fmt::format("ms, {:.0f} %", percent), latency_text(comparison.a, percent),
               latency_text(comparison.b, percent)});
  std::string text = fmt::format("A is {}\nB is {}\n\n", comparison.a.url, comparison.b.url) +
                     both.text() + "\n" + table.text();
  TextTable wrong({{"WRONG"}, {"CLIENT"}, {"PATH"}, {"SENT TO"}, {"BECAUSE"}});
  for (const auto& example : comparison.examples)
    wrong.add({example.side, example.client, example.path, example.target, example.reason});
  return wrong.empty() ? text : text + "\n" + wrong.text();
}

nlohmann::json comparison_json(Comparison& comparison) {
  using nlohmann::json;
  ComparedSide* const sides[] = {&comparison.a, &comparison.b};
  for (ComparedSide* side : sides) std::sort(side->latencies_ms.begin(), side->latencies_ms.end());
  json examples = json::array();
  for (const auto& example : comparison.examples) {
    examples.push_back({{"side", example.side},
                        {"client", example.client},
                        {"path", example.path},
                        {"target", example.target},
                        {"reason", example.reason}});
  }
  return {{"requests", comparison.requests},
          {"skipped",
           {{"other_method", comparison.other_method}, {"unreadable", comparison.unreadable}}},
          {"both_redirect", comparison.both_redirect},
          {"same_mirror", comparison.same_mirror},
          {"countries_known", comparison.countries_known},
          {"same_country", comparison.same_country},
          {"other_size", comparison.sizes_differ},
          {"a", side_json(comparison.a)},
          {"b", side_json(comparison.b)},
          {"examples", examples}};
}

}  // namespace mirror::mb
