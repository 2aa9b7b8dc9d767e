#include "scanner/scan/report.h"

#include <fmt/format.h>

#include <cstdio>

#include "core/path.h"
#include "tools/cli/json.h"

namespace mirror::scanner {
namespace {

using Json = cli::OrderedJson;

std::string plural(std::int64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

// How a line on standard error begins.
std::string subject(const ScanResult& result) {
  return fmt::format("mb-scan: {} '{}'", result.is_source ? "source" : "mirror",
                     printable(result.name));
}

}  // namespace

std::string result_line(const ScanResult& result, std::size_t name_width) {
  const db::ScanCounts& counts = result.counts;
  const std::string name = printable(result.name);
  if (result.is_source) {
    return fmt::format(
        "source {}: {} seen, {} gained, {} lost, {} changed, {}{}{} current, {:.1f} s", name,
        counts.seen, counts.gained, counts.lost, counts.changed,
        result.hashed > 0 ? fmt::format("{} touched and hashed, ", result.hashed) : "",
        counts.touched > 0 ? fmt::format("{} touched, waiting for mb-hash, ", counts.touched) : "",
        counts.held, result.seconds);
  }
  return fmt::format(
      "{:<{}} {:>9} seen, {:>8} gained, {:>8} lost, {:>8} unknown to the source, {:>8} outdated, "
      "{:>6.1f} s{}",
      name, name_width, counts.seen, counts.gained, counts.lost, counts.unknown, counts.outdated,
      result.seconds, result.enabled ? ", now enabled" : "");
}

std::string detail_line(const ScanResult& result) {
  std::string out =
      fmt::format("  {}, {} files held now, {} listed, merge lock held for {:.3f} s",
                  outcome_text(result.outcome), result.counts.held,
                  plural(result.listing.entries, "entry", "entries"), result.lock_seconds);
  if (result.listing.excluded > 0) out += fmt::format(", {} excluded", result.listing.excluded);
  if (result.listing.heads > 0)
    out += fmt::format(", {} asked for by HEAD", plural(result.listing.heads, "file", "files"));
  if (result.listing.missing) out += ", the subtree does not exist there";
  return out;
}

std::string error_line(const ScanResult& result) {
  return fmt::format("{}: {}", subject(result), result.error);
}

// The source's unreadable directories are always reported, because files below them are no longer
// seen.
std::vector<std::string> note_lines(const ScanResult& result, bool verbose) {
  const ListingCounts& listing = result.listing;
  std::vector<std::string> lines;
  const auto tell = [&](std::int64_t count, const char* one, const char* many,
                        const std::string& what) {
    if (count == 0) return;
    lines.push_back(fmt::format("{}: {} {}", subject(result), plural(count, one, many), what));
  };
  if (!result.ended.empty()) {
    lines.push_back(
        fmt::format("{}: ended another scan of it: {}", subject(result), printable(result.ended)));
  }
  if (!result.failed_ways.empty()) {
    lines.push_back(fmt::format("{}: listed by {}, since it could not be listed {}",
                                subject(result), result.method, result.failed_ways));
  }
  if (!result.believed.empty())
    lines.push_back(fmt::format("{}: merged all the same: {}", subject(result), result.believed));
  if (!result.disabled.empty())
    lines.push_back(fmt::format("{}: now disabled: {}", subject(result), result.disabled));
  if (!result.plan_fault.empty())
    lines.push_back(fmt::format("{}: the end of the scan could not be noted for the queue: {}",
                                subject(result), result.plan_fault));
  if (!result.unserved.empty())
    lines.push_back(fmt::format("{}: {}", subject(result), result.unserved));
  tell(listing.long_paths, "path", "paths",
       fmt::format("longer than {} bytes, skipped", kMaxPathBytes));
  tell(listing.odd_times, "file", "files",
       "with a date before the year 1000 or after 9999, skipped");
  tell(listing.odd_keys, "object", "objects",
       fmt::format("with a name that no tree can have, skipped (for example '{}')",
                   printable(listing.odd_key_example)));
  tell(listing.archived, "object", "objects",
       fmt::format("in an archive, which nobody can get (storage class GLACIER or DEEP_ARCHIVE), "
                   "skipped (for example '{}')",
                   printable(listing.archived_example)));
  tell(listing.unlisted_directories, "directory", "directories",
       fmt::format("with a page of its own in place of a directory index (for example '{}'); files "
                   "below keep their state (another way to list the mirror sees them: mb edit "
                   "--rsync-url, --ftp-scan-url or --head-url)",
                   printable(listing.unlisted_example)));
  tell(listing.timeless, "file", "files",
       "without a time, neither on the pages nor as Last-Modified, so that only those count that "
       "never change (immutable in mb.toml)");
  if (!result.hash_fault.empty()) {
    lines.push_back(fmt::format("{}: touched files could not be hashed: {}", subject(result),
                                result.hash_fault));
  }
  if (result.is_source) {
    tell(listing.unreadable_directories, "directory", "directories",
         fmt::format(
             "cannot be read by this user; files below stay as they were{}",
             listing.unreadable_example.empty()
                 ? ""
                 : fmt::format(" (for example '{}')", printable(listing.unreadable_example))));
  } else if (verbose) {
    tell(listing.unreadable_directories, "directory", "directories",
         "cannot be read on the mirror; all files below count as absent");
  }
  return lines;
}

std::string no_use_line(const ScanResult& result) {
  return fmt::format("{}: {}", subject(result), result.of_no_use);
}

std::string totals_line(const Totals& totals) {
  return fmt::format("{}: {} scanned, {} failed, {:.1f} s",
                     plural(totals.worked + totals.failed, "mirror", "mirrors"), totals.worked,
                     totals.failed, totals.seconds);
}

std::string json_line(const ScanResult& result) {
  const db::ScanCounts& counts = result.counts;
  Json json;
  json[result.is_source ? "source" : "mirror"] = result.name;
  json["outcome"] = outcome_text(result.outcome);
  json["error"] = result.error.empty() ? Json(nullptr) : Json(result.error);
  json["seen"] = counts.seen;
  json["gained"] = counts.gained;
  json["lost"] = counts.lost;
  json["unknown"] = counts.unknown;
  json["outdated"] = counts.outdated;
  json["held"] = counts.held;
  if (result.is_source) json["changed"] = counts.changed;
  if (result.is_source) json["touched"] = counts.touched;
  if (result.is_source) json["touched_hashed"] = result.hashed;
  if (!result.believed.empty()) json["believed"] = result.believed;
  if (!result.unserved.empty()) json["unserved"] = result.unserved;
  json["warning"] = result.of_no_use.empty() ? Json(nullptr) : Json(result.of_no_use);
  if (!result.is_source)
    json["method"] = result.method.empty() ? Json(nullptr) : Json(std::string(result.method));
  if (!result.failed_ways.empty()) json["failed_ways"] = result.failed_ways;
  json["entries"] = result.listing.entries;
  if (!result.is_source) json["heads"] = result.listing.heads;
  json["long_paths"] = result.listing.long_paths;
  json["odd_times"] = result.listing.odd_times;
  json["odd_keys"] = result.listing.odd_keys;
  if (!result.is_source) json["archived"] = result.listing.archived;
  json["excluded"] = result.listing.excluded;
  json["unreadable_directories"] = result.listing.unreadable_directories;
  if (!result.is_source) json["unlisted_directories"] = result.listing.unlisted_directories;
  json["seconds"] = result.seconds;
  json["lock_seconds"] = result.lock_seconds;
  if (!result.is_source) json["enabled_now"] = result.enabled;
  if (!result.disabled.empty()) json["disabled"] = result.disabled;
  if (!result.ended.empty()) json["ended"] = result.ended;
  return cli::json_text(json);
}

std::string json_line(const Totals& totals) {
  Json json;
  json["worked"] = totals.worked;
  json["failed"] = totals.failed;
  json["seconds"] = totals.seconds;
  return cli::json_text(Json{{"summary", json}});
}

std::string progress_text(const std::vector<Running>& running, std::size_t done, std::size_t all) {
  std::string out = fmt::format("{} of {} done", done, all);
  for (const Running& scan : running) {
    const double rate = scan.seconds > 0.2 ? static_cast<double>(scan.entries) / scan.seconds : 0;
    out += fmt::format("; {} {} ({:.0f}/s)", printable(scan.name), scan.entries, rate);
  }
  return out;
}

Reporter::Reporter(bool json, bool verbose, std::size_t name_width)
    : json_(json), verbose_(verbose), name_width_(name_width), progress_(!json) {}

void Reporter::result(const ScanResult& result) {
  const std::lock_guard guard(mutex_);
  progress_.clear();
  if (json_) {
    fmt::print("{}\n", json_line(result));
  } else if (result.worked()) {
    fmt::print("{}\n", result_line(result, name_width_));
    if (verbose_) fmt::print("{}\n", detail_line(result));
  } else {
    std::fflush(stdout);
    fmt::print(stderr, "{}\n", error_line(result));
  }
  for (const std::string& line : note_lines(result, verbose_)) fmt::print(stderr, "{}\n", line);
  if (!result.of_no_use.empty()) fmt::print(stderr, "{}\n", no_use_line(result));
  std::fflush(stdout);
}

void Reporter::totals(const Totals& totals) {
  const std::lock_guard guard(mutex_);
  progress_.clear();
  fmt::print("{}\n", json_ ? json_line(totals) : totals_line(totals));
  std::fflush(stdout);
}

void Reporter::warning(const std::string& text) {
  const std::lock_guard guard(mutex_);
  progress_.clear();
  fmt::print(stderr, "mb-scan: {}\n", text);
}

void Reporter::detail(const std::string& text) {
  if (verbose_) warning(text);
}

void Reporter::progress(const std::vector<Running>& running, std::size_t done, std::size_t all) {
  const std::lock_guard guard(mutex_);
  progress_.draw(progress_text(running, done, all));
}

}  // namespace mirror::scanner
