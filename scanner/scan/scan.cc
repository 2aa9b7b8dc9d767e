#include "scanner/scan/scan.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>
#include <utility>

#include "config/own_url.h"
#include "core/path.h"
#include "db/merge/scan.h"
#include "db/path_rules.h"
#include "db/session.h"
#include "hashing/run.h"
#include "scanner/check/check_options.h"
#include "scanner/list/method.h"
#include "scanner/list/part.h"
#include "scanner/scan/afterwards.h"
#include "scanner/scan/files_of_source.h"
#include "scanner/scan/loss_check.h"
#include "scanner/scan/newest_check.h"
#include "scanner/scan/ways.h"
#include "tools/cli/guard.h"

namespace mirror::scanner {
namespace {

// Of fewer files that nobody finds little is known about the mirror.
constexpr std::size_t kFewestOfFailed = 5;
constexpr std::chrono::seconds kEndOfHolder(30);  // a session that was told to end

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// What a scan that merged nothing leaves standing.
std::string what_stands(const db::MirrorRecord& record) {
  if (!record.last_scan_s) return "nothing was merged, and there is no good scan from before";
  const std::time_t then = *record.last_scan_s;
  return fmt::format("nothing was merged, the last good scan of {:%Y-%m-%d} stands",
                     fmt::gmtime(then));
}

std::string what_stands_of_source() { return "the file table stays as it was"; }

db::MergeOptions merge_options(const ScanOptions& options) {
  const Instance& instance = options.instance;
  return {.max_shrink_percent = instance.max_shrink_percent,
          .max_change_percent = instance.max_change_percent,
          .grace_s = instance.grace_hours * 3600,
          .force = options.force};
}

void take_report(const db::MergeReport& report, std::string_view option, const std::string& stands,
                 ScanResult& result) {
  result.counts = report.counts;
  result.of_no_use = report.of_no_use;
  result.believed = report.believed;
  result.reread = report.reread;
  result.counts.touched += static_cast<std::int64_t>(report.reread.size());
  result.lock_seconds = report.lock_seconds;
  result.start_rev = report.start_rev;
  switch (report.outcome) {
    case db::MergeOutcome::merged:
      result.outcome = ScanOutcome::merged;
      break;
    case db::MergeOutcome::unchanged:
      result.outcome = ScanOutcome::unchanged;
      break;
    case db::MergeOutcome::refused:
      result.outcome = ScanOutcome::refused;
      result.error =
          fmt::format("{}{}{}; {} (--force merges it, {} sets the limit)", report.refusal,
                      report.loss_words.empty() ? "" : "; ", report.loss_words, stands, option);
  }
}

// Lists by `list`; a listing that broke closes the scan row with the reason. `Scan` is a MirrorScan
// or a SourceScan.
template <typename Scan, typename List>
db::Fidelity list_or_close(Scan& scan, const std::string& stands, const Control& control,
                           const List& list) {
  try {
    return list();
  } catch (const std::exception& error) {
    try {
      scan.fail(fmt::format("{}; {}", error.what(), stands), control.stopped());
    } catch (const std::exception&) {
      // The first error is the one to report. Without a database the row stays open; because its
      // lock is free, later scans know that it was cut off.
    }
    throw;
  }
}

db::Fidelity list_mirror(db::Connection& connection, const db::MirrorRecord& record,
                         const ListingWay& way, const ScanOptions& options, const Control& control,
                         db::MirrorScan& scan, ListingCounts& counts,
                         std::optional<FilesOfSource>& known) {
  const auto sink = [&scan](const TreeEntry& entry) {
    if (entry.kind == db::EntryKind::file && !entry.staged)
      scan.add(entry.path, entry.size_bytes, entry.mtime_s);
  };
  Target target = target_of(way, record, options);
  const Part part = part_of_mirror(options.subtree, record.strip_prefix, record.add_prefix);
  if (part.nothing) return {};
  target.directory = part.directory;
  target.may_be_missing = part.may_be_missing;
  Listing listing(options.instance.max_entries, part.prefix, sink, control, counts);
  listing.exclude(options.instance.exclude);
  listing.on_unlisted([&scan](std::string_view path) { scan.keep_below(path); },
                      [&scan](std::string_view path) { scan.keep(path); });
  known.emplace(connection, record.mirror.id, part.prefix);
  return way.method->list(target, *known, listing, control);
}

db::LossVerdict verdict_of(const db::MirrorRecord& record, const ScanOptions& options,
                           const Control& control, const std::vector<std::string>& paths) {
  const LossAnswers answers =
      ask_web_server(record.mirror, paths, options.instance.connect_timeout_s, control.stop_fd);
  return {answers.all_gone() && !control.stopped(), answers.words()};
}

db::Unserved unserved_of(const db::MirrorRecord& record, const ScanOptions& options,
                         const PathRules& rules, const Control& control,
                         const db::NewestFiles& files, ScanResult& result) {
  static ServedMirrors all;
  const probe::CheckOptions how = probe::check_options(options.instance, "mb-scan");
  NewestAnswer answer = ask_for_newest(record, files, rules, how, control.stop_fd, all);
  result.unserved = std::move(answer.words);
  result.serves_little = answer.unserved.most;
  return std::move(answer.unserved);
}

// After a listing that failed: a mirror whose web server has nothing of what it had has nothing.
// The reason of the failure stays the result's.
void withdraw_if_gone(db::Connection& connection, const db::MirrorRecord& record,
                      std::string_view method, const ScanOptions& options, const Control& control,
                      ScanResult& result) {
  const std::vector<std::string> paths =
      db::sample_of_mirror(connection, record.mirror.id, options.subtree, kAskedFiles);
  if (paths.size() < kFewestOfFailed || control.stopped()) return;
  const db::LossVerdict verdict = verdict_of(record, options, control, paths);
  if (!verdict.words.empty()) result.error += "; " + verdict.words;
  if (!verdict.gone) return;
  db::MirrorScan none(connection, record, method, options.subtree);
  const db::MergeReport report = none.merge({}, {.force = true, .failure = result.error});
  db::note_scan_event(connection, record.mirror.id, "failed", result.error);
  result.counts = report.counts;
  result.error += fmt::format(", so it has none of the {} that it had", report.counts.lost);
}

// Lists and merges in one way. The reason why that was not possible; nullopt: it was.
std::optional<std::string> scan_in_one_way(db::Connection& connection,
                                           const db::MirrorRecord& record, const ListingWay& way,
                                           const ScanOptions& options, const Control& control,
                                           const std::string& stands, ScanResult& result) {
  result.listing = {};
  db::MirrorScan scan(connection, record, way.method->name, options.subtree);
  db::Fidelity fidelity;
  std::optional<FilesOfSource> known;
  try {
    fidelity = list_or_close(scan, stands, control, [&] {
      return list_mirror(connection, record, way, options, control, scan, result.listing, known);
    });
  } catch (const ListingError& error) {
    return error.what();
  }
  result.method = way.method->name;
  db::MergeOptions how = merge_options(options);
  how.ask_about_losses = [&](const std::vector<std::string>& paths) {
    return verdict_of(record, options, control, paths);
  };
  how.ask_for_newest = [&](const db::NewestFiles& files) {
    return unserved_of(record, options, db::load_path_rules(connection), control, files, result);
  };
  take_report(scan.merge(fidelity, how), "--max-shrink", stands, result);
  if (known && result.worked() && options.subtree.empty()) known->keep_turn();
  return std::nullopt;
}

// A mirror that cannot be listed. Its scans say so too.
void note_no_way(db::Connection& connection, const db::MirrorRecord& record,
                 const ScanOptions& options, const std::string& stands, ScanResult& result) {
  result.error = fmt::format(
      "it has no URL to scan (mb edit NAME --rsync-url URL, --index-url URL or --ftp-scan-url URL "
      "sets one); {}",
      stands);
  db::MirrorScan(connection, record, kRsyncMethod.name, options.subtree).fail(result.error);
}

// One way after the other, until the mirror could be listed. Whether one could.
bool scan_in_some_way(db::Connection& connection, const db::MirrorRecord& record,
                      const ScanOptions& options, const Control& control, const std::string& stands,
                      ScanResult& result) {
  const std::vector<ListingWay> ways =
      options.report.empty() ? ways_to_list(record)
                             : std::vector<ListingWay>{{&kReportMethod, options.report, {}}};
  if (ways.empty()) {
    note_no_way(connection, record, options, stands, result);
    return false;
  }
  for (const ListingWay& way : ways) {
    const std::optional<std::string> fault =
        scan_in_one_way(connection, record, way, options, control, stands, result);
    if (!fault) return true;
    if (!result.failed_ways.empty()) result.failed_ways += "; ";
    result.failed_ways +=
        ways.size() == 1 ? *fault : fmt::format("by {}: {}", way.method->name, *fault);
    if (control.stopped()) break;
  }
  result.error = fmt::format("{}; {}", std::exchange(result.failed_ways, {}), stands);
  if (options.report.empty())
    withdraw_if_gone(connection, record, ways.front().method->name, options, control, result);
  return false;
}

void scan_locked_mirror(db::Connection& connection, const db::MirrorRecord& record,
                        const ScanOptions& options, const Control& control,
                        const std::string& stands, ScanResult& result) {
  if (!scan_in_some_way(connection, record, options, control, stands, result)) return;
  if (!options.enable || !result.worked() || record.mirror.enabled) return;
  if (result.serves_little) {
    result.of_no_use = "its web server does not have most of what it lists; it is not enabled";
  } else if (result.counts.held == 0) {
    result.of_no_use += "; it is not enabled";
  } else if (const std::string own = own_url_trouble(options.instance, record.mirror);
             !own.empty()) {
    result.of_no_use = own + "; it is not enabled";
  } else {
    db::enable_mirror(connection, record.mirror.id);
    result.enabled = true;
  }
}

// Failures of the database are nobody's failed scan.
void scan_or_fail(db::Connection& connection, const db::MirrorRecord& record,
                  const ScanOptions& options, const Control& control, const std::string& stands,
                  ScanResult& result) {
  try {
    scan_locked_mirror(connection, record, options, control, stands, result);
  } catch (const db::Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    result.outcome = ScanOutcome::failed;
    result.error = fmt::format("{}; {}", error.what(), stands);
  }
}

void scan_locked_source(db::Connection& connection, const ScanOptions& options,
                        const Control& control, ScanResult& result) {
  const std::string& source = options.instance.source;
  const Method& method = method_of_source(source);
  if (!options.subtree.empty() && &method != &kLocalMethod)
    throw ListingError("only a local source can be listed in part (-d)");
  // Who knows the source knows what becomes of its files. Not within the scan: a scan that fails
  // does not keep back what the admin has changed.
  if (options.instance.file_found) db::store_path_rules(connection, options.instance.rules);
  db::SourceScan scan(connection, method.name, options.subtree);
  const auto list = [&] {
    const auto sink = [&scan](const TreeEntry& entry) {
      scan.add(entry.path, entry.kind, entry.size_bytes, entry.mtime_s, entry.staged, entry.target,
               entry.ctime_ns);
    };
    Listing listing(options.instance.max_entries, "", sink, control, result.listing);
    listing.exclude(options.instance.exclude);
    listing.on_unreadable(
        [&scan](std::string_view path, bool staged) { scan.hold_below(path, staged); });
    if (const Fault wrong = method.url_fault(source))
      throw ListingError(fmt::format("its URL cannot be used: {}", *wrong));
    Target target = base_target(source, method, options);
    target.directory = options.subtree;
    target.is_source = true;
    FilesOfSource known(connection, 0, "");
    return method.list(target, known, listing, control);
  };
  const std::string stands = what_stands_of_source();
  const db::Fidelity fidelity = list_or_close(scan, stands, control, list);
  take_report(scan.merge(merge_options(options), fidelity), "--max-change", stands, result);
}

// Runs `scan` under the lock of `id`, and puts what goes wrong into the result.
template <typename Scan>
ScanResult scan_with_lock(db::Connection& connection, MirrorId id, ScanResult result,
                          bool break_lock, const std::string& stands, const Scan& scan) {
  const Stopwatch watch;
  try {
    if (break_lock) {
      if (const auto holder = db::break_scan_lock(connection, id, kEndOfHolder))
        result.ended = holder->text();
    }
    const std::optional<db::ScanLock> lock = db::ScanLock::try_take(connection, id);
    if (lock) {
      scan(result);
    } else {
      result.outcome = ScanOutcome::locked;
      const auto holder = db::scan_lock_holder(connection, id);
      result.error = fmt::format("another scan of it is running{}; --break-lock ends it",
                                 holder ? ": " + holder->text() : "");
    }
  } catch (const db::Error& error) {
    result.outcome = ScanOutcome::failed;
    result.error = cli::database_error(error.what());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    result.outcome = ScanOutcome::failed;
    result.error = fmt::format("{}; {}", error.what(), stands);
  }
  result.seconds = watch.seconds();
  return result;
}

// mb-hash tells what is wrong with single files, when it comes to them.
class Unobserved : public hash::Observer {
  void file(std::string_view, std::string_view, std::string_view, bool) override {}
  void warning(std::string_view) override {}
  bool wants_progress() const override { return false; }
  void progress(const hash::Counts&, std::int64_t) override {}
};

// Touched files are not redirected until they are hashed again, and of those that got another inode
// nobody knows yet whether they are what they were. So a local source's are hashed at once, without
// the source's lock, within the time that there is for it.
void hash_touched(const ScanOptions& options, const StopSignal& stop, ScanResult& result) {
  const Instance& instance = options.instance;
  if (instance.hash_touched_s == 0 || &method_of_source(instance.source) != &kLocalMethod) return;
  const Stopwatch watch;
  hash::Plan plan;
  plan.source = instance.source;
  plan.kinds = instance.hash.kinds;
  plan.threads = instance.hash.jobs;
  plan.max_bytes_per_s = instance.hash.max_rate;
  plan.touched_only = true;
  plan.file_ids = std::move(result.reread);
  plan.max_seconds = instance.hash_touched_s;
  plan.connect = [&] { return db::open_merge_session(instance.database, "mb-scan", stop.asked()); };
  try {
    Unobserved observer;
    result.hashed = hash::hash_or_verify(plan, observer, stop).hashed;
    result.counts.touched -= std::min(result.hashed, result.counts.touched);
  } catch (const db::Error& error) {
    result.hash_fault = cli::database_error(error.what());
  } catch (const std::runtime_error& error) {
    result.hash_fault = error.what();
  }
  result.seconds += watch.seconds();
}

}  // namespace

ScanResult scan_mirror(db::Connection& connection, const db::MirrorRecord& record,
                       const ScanOptions& options, const Control& control) {
  ScanResult result;
  result.name = record.mirror.identifier;
  const std::string stands = what_stands(record);
  return scan_with_lock(connection, record.mirror.id, std::move(result), options.break_lock, stands,
                        [&](ScanResult& into) {
                          scan_or_fail(connection, record, options, control, stands, into);
                          if (options.subtree.empty() && (into.worked() || !control.stopped()))
                            after_full_scan(connection, record, options, into);
                        });
}

ScanResult scan_source(db::Connection& connection, const ScanOptions& options,
                       const Control& control, const StopSignal& stop) {
  ScanResult result;
  result.is_source = true;
  result.name = options.instance.source;
  result = scan_with_lock(
      connection, 0, std::move(result), options.break_lock, what_stands_of_source(),
      [&](ScanResult& into) { scan_locked_source(connection, options, control, into); });
  if (result.worked() && result.counts.touched > 0) hash_touched(options, stop, result);
  return result;
}

}  // namespace mirror::scanner
