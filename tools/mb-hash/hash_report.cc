#include "hash_report.h"

#include <fmt/format.h>

#include <cstdio>

#include "core/path.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/json.h"

namespace mirror::hash {
namespace {

using Json = cli::OrderedJson;

std::string bytes_text(double bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1000;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 100 ? 0 : 1, kUnits[unit]);
}

double rate(const Counts& counts) {
  return counts.seconds > 0 ? static_cast<double>(counts.bytes) / counts.seconds : 0;
}

std::string time_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace

std::string summary_line(const Counts& counts) {
  std::string out = fmt::format("{} {} {}, {} unchanged, {} read in {:.1f} s ({}/s)", counts.hashed,
                                counts.hashed == 1 ? "file" : "files",
                                !counts.verified     ? "hashed"
                                : counts.hashed == 1 ? "agrees"
                                                     : "agree",
                                counts.unchanged, bytes_text(static_cast<double>(counts.bytes)),
                                counts.seconds, bytes_text(rate(counts)));
  const auto also = [&](std::int64_t count, const char* what) {
    if (count > 0) out += fmt::format(", {} {}", count, what);
  };
  also(counts.linked, "by a hard link");
  also(counts.signatures, "new signatures");
  also(counts.new_versions, "new versions found");
  also(counts.waiting, "waiting for mb-scan --source");
  also(counts.elsewhere, "left to another mb-hash");
  also(counts.differ, "differ");
  also(counts.failed, "failed");
  return out + (counts.interrupted ? "; interrupted, what was done is stored" : "");
}

std::string summary_json(const Counts& counts) {
  Json json;
  json[counts.verified ? "agree" : "hashed"] = counts.hashed;
  json["unchanged"] = counts.unchanged;
  json["bytes"] = counts.bytes;
  json["linked"] = counts.linked;
  json["signatures"] = counts.signatures;
  json["new_versions"] = counts.new_versions;
  json["waiting"] = counts.waiting;
  json["elsewhere"] = counts.elsewhere;
  json["differ"] = counts.differ;
  json["failed"] = counts.failed;
  json["interrupted"] = counts.interrupted;
  json["seconds"] = counts.seconds;
  return cli::json_text(Json{{"summary", json}});
}

std::string progress_text(const Counts& counts, std::int64_t bytes_total) {
  const double left = static_cast<double>(bytes_total - counts.bytes);
  std::string out = fmt::format(
      "{} files, {} of {}, {}/s", counts.hashed, bytes_text(static_cast<double>(counts.bytes)),
      bytes_text(static_cast<double>(bytes_total)), bytes_text(rate(counts)));
  if (rate(counts) > 0 && left > 0) out += fmt::format(", {} left", time_text(left / rate(counts)));
  return out;
}

int exit_status(const Counts& counts) {
  if (counts.failed == 0 && counts.differ == 0 && !counts.interrupted)
    return counts.found_none ? cli::kFailed : cli::kDone;
  return counts.hashed + counts.unchanged + counts.signatures > 0 ? cli::kFailed : cli::kAllFailed;
}

HashReport::HashReport(bool json, bool verbose)
    : json_(json), verbose_(verbose), progress_(!json) {}

void HashReport::file(std::string_view path, std::string_view outcome, std::string_view detail,
                      bool problem) {
  if (!problem && !verbose_) return;
  progress_.clear();
  if (json_) {
    Json json{{"file", path}, {"outcome", outcome}};
    if (!detail.empty()) json["detail"] = detail;
    fmt::print("{}\n", cli::json_text(json));
  } else if (problem) {
    fmt::print(stderr, "mb-hash: {}: {}\n", printable(path), detail);
  } else {
    fmt::print("{} {}{}{}\n", outcome, printable(path), detail.empty() ? "" : ": ", detail);
  }
}

void HashReport::warning(std::string_view text) {
  progress_.clear();
  fmt::print(stderr, "mb-hash: {}\n", text);
}

void HashReport::progress(const Counts& counts, std::int64_t bytes_total) {
  progress_.draw(progress_text(counts, bytes_total));
}

void HashReport::summary(const Counts& counts) {
  progress_.clear();
  fmt::print("{}\n", json_ ? summary_json(counts) : summary_line(counts));
  std::fflush(stdout);
}

}  // namespace mirror::hash
