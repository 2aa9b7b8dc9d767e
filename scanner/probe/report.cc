#include "scanner/probe/report.h"

#include <fmt/format.h>

#include <cstdio>

#include "core/http_date.h"
#include "core/path.h"
#include "core/readable.h"
#include "tools/cli/json.h"

namespace mirror::probe {
namespace {

constexpr std::int64_t kDay_s = 86400;
constexpr std::int64_t kWarnDays = 14;

struct KindWords {
  std::string_view name;   // in JSON
  std::string_view words;  // behind the file in a line
};

KindWords kind_words(Job::Kind kind) {
  switch (kind) {
    case Job::Kind::presence:
      break;
    case Job::Kind::content:
      return {"content", " (content)"};
    case Job::Kind::impossible:
      return {"impossible", " (a name that cannot exist)"};
    case Job::Kind::large:
      return {"large", " (beyond 2 GiB)"};
  }
  return {"presence", ""};
}

}  // namespace

std::string_view state_words(const Item& item) {
  if (item.failing() || item.doubted) return "failing";
  if (item.hysteresis.recovering()) return "recovering";
  return state_name(item.hysteresis.state());
}

std::string check_line(const Checked& checked, std::size_t name_width) {
  const Item& item = checked.item;
  const Verdict& verdict = checked.verdict;
  std::string line = fmt::format("{:<{}}  {:<10}  {:<10}  ", item.name(), name_width,
                                 item.way.text(), state_words(item));
  line += verdict.outcome == CheckOutcome::good && item.latency_ms
              ? fmt::format("{:>5} ms", *item.latency_ms)
              : fmt::format("{:>8}", "-");
  line += "  " + printable(checked.path);
  line += kind_words(checked.kind).words;
  if (!verdict.reason.empty()) line += ": " + verdict.reason;
  return line;
}

std::string check_json(const Checked& checked) {
  const Item& item = checked.item;
  const Verdict& verdict = checked.verdict;
  cli::OrderedJson json;
  json["mirror"] = item.name();
  json["way"] = item.way.text();
  json["check"] = kind_words(checked.kind).name;
  json["ok"] = verdict.outcome == CheckOutcome::good;
  json["state"] = state_words(item);
  json["before"] = state_name(checked.before);
  json["reason"] = verdict.reason.empty() ? nlohmann::ordered_json(nullptr)
                                          : nlohmann::ordered_json(verdict.reason);
  json["latency_ms"] = verdict.outcome == CheckOutcome::good && item.latency_ms
                           ? nlohmann::ordered_json(*item.latency_ms)
                           : nlohmann::ordered_json(nullptr);
  json["certificate_end"] = item.certificate_end_s
                                ? nlohmann::ordered_json(rfc3339(*item.certificate_end_s))
                                : nlohmann::ordered_json(nullptr);
  json["file"] = checked.path;
  return cli::json_text(json);
}

std::string certificate_warning(const Item& item, std::int64_t now_s) {
  if (!item.certificate_end_s) return "";
  const std::int64_t left_s = *item.certificate_end_s - now_s;
  if (left_s < 0 || left_s >= kWarnDays * kDay_s) return "";
  return fmt::format("mirror '{}': the certificate ends on {}, in {} {} ({})", item.name(),
                     utc_timestamp(*item.certificate_end_s).substr(0, 10), left_s / kDay_s,
                     left_s / kDay_s == 1 ? "day" : "days", item.way.text());
}

void Reporter::checked(const Checked& checked) {
  if (!every_check_ && checked.before == checked.item.hysteresis.state()) return;
  fmt::print("{}\n", json_ ? check_json(checked) : check_line(checked, name_width_));
  std::fflush(stdout);
}

void Reporter::no_file(const Item& item) {
  if (!every_check_) return;
  warning(fmt::format("mirror '{}': not probed: the last scans found no file that it has",
                      item.name()));
}

void Reporter::warning(const std::string& text) {
  std::fflush(stdout);
  fmt::print(stderr, "mb-probe: {}\n", text);
}

}  // namespace mirror::probe
