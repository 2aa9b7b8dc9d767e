#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "db/merge/merge.h"
#include "db/merge/scan.h"
#include "db/merge/source_compare.h"
#include "db/merge/staging.h"

namespace mirror::db {

struct SourceScan::Impl {
  Impl(Connection& c, std::string_view how, std::string_view subtree)
      : connection(c),
        method(how),
        start_rev(newest_rev(c)),
        row(c, std::nullopt, how, subtree),
        listing(c, subtree.empty() && last_good_scan(c, std::nullopt, how) ? kHeldBytes : 0) {
    if (!subtree.empty()) held = held_beside(subtree);
  }
  MergeReport merge(const MergeOptions& options, const Fidelity& fidelity);
  MergeReport merge_compared(SourceCompare& compare, const MergeOptions& options,
                             const std::string& fingerprint);
  std::string fingerprint(const Fidelity& fidelity) const;
  std::optional<MergeReport> same_listing(const GoodScan& before, const MergeOptions& options);
  void keep_grace(const MergeOptions& options);
  std::int64_t looked_before();

  Connection& connection;
  std::string method;
  std::int64_t start_rev;
  ScanRow row;
  StagedListing listing;
  ListedLinks links;
  std::vector<HeldRange> held;
  std::int64_t directories = 0;  // listed
  bool shows_inodes = false;     // an entry has a ctime
};

namespace {

// Goes into fingerprints. To be raised when a listing comes to mean something else.
constexpr std::int64_t kRules = std::int64_t{1} << 33;

std::string guard(const SourceCompare& compare, const MergeOptions& options) {
  if (options.force) return "";
  if (compare.entries() == 0) return "the source's root is empty, which no limit allows";
  if (compare.altered() < options.min_held_files ||
      static_cast<double>(compare.altered()) * 100 <=
          options.max_change_percent * static_cast<double>(compare.current())) {
    return "";
  }
  return fmt::format("{} of {} files changed or are gone, more than {}% of them", compare.altered(),
                     compare.current(), options.max_change_percent);
}

}  // namespace

// Since when an inode can have changed that no good scan has looked at: nanoseconds of Unix time,
// by the database's clock, which may differ from the source's by less than an hour.
std::int64_t SourceScan::Impl::looked_before() {
  return connection
      .run(
          "SELECT coalesce((extract(epoch FROM max(started) - interval '1 hour') * "
          "1000000000)::bigint, 0) FROM scan WHERE mirror_id IS NULL AND subtree = '' AND outcome "
          "IN ('merged', 'unchanged')")
      .int8(0, 0);
}

// "": the next full listing must be compared all the same. What could not be seen is taken from the
// table, and inodes are compared with what mb-hash has read meanwhile.
std::string SourceScan::Impl::fingerprint(const Fidelity& fidelity) const {
  if (!held.empty() || shows_inodes) return "";
  return listing.fingerprint(kRules, fidelity.in_any_order);
}

// Nothing to compare: the same was listed by the last good scan, and nothing but that has changed
// files since. nullopt: all the same there is something to do or to count.
std::optional<MergeReport> SourceScan::Impl::same_listing(const GoodScan& before,
                                                          const MergeOptions& options) {
  const Result files = connection.run(
      "SELECT count(*) FILTER (WHERE NOT staged), count(*) FILTER (WHERE pending) FROM file WHERE "
      "gone_at IS NULL");
  const bool is_settled = files.int8(0, 0) == before.held && files.int8(0, 1) == 0;
  if (before.held == 0 || !is_settled || any_expired(connection, options.grace_s))
    return std::nullopt;
  keep_grace(options);
  MergeReport report;
  report.counts = {.seen = listing.seen() - directories, .held = before.held};
  row.close("unchanged", report.counts);
  row.settle(before.held);
  return report;
}

void SourceScan::Impl::keep_grace(const MergeOptions& options) {
  connection.run("UPDATE source SET grace_s = $1 WHERE grace_s <> $1",
                 Params().float8(options.grace_s));
}

MergeReport SourceScan::Impl::merge(const MergeOptions& options, const Fidelity& fidelity) {
  const std::string all = fingerprint(fidelity);
  if (!all.empty()) {
    row.listed(all, start_rev);
    const std::optional<GoodScan> before = last_good_scan(connection, std::nullopt, method);
    if (before && before->fingerprint == all && !options.force) {
      if (const auto report = same_listing(*before, options)) return *report;
    }
  }
  listing.finish();
  const std::int64_t since_ns = looked_before();
  SourceCompare compare(connection);
  compare.hold(held, listing);
  compare.resolve(links, listing);
  compare.compare(listing, options.grace_s);
  MergeReport report = merge_compared(compare, options, all);
  if (report.outcome != MergeOutcome::refused)
    report.reread = compare.changed_inodes(listing, since_ns);
  return report;
}

MergeReport SourceScan::Impl::merge_compared(SourceCompare& compare, const MergeOptions& options,
                                             const std::string& fingerprint) {
  MergeReport report;
  report.counts = compare.counts();
  report.counts.seen -= directories;
  report.refusal = guard(compare, options);
  if (!report.refusal.empty()) {
    report.outcome = MergeOutcome::refused;
    report.counts.gained = report.counts.lost = report.counts.changed = 0;
    report.counts.held = compare.current();
    row.close("held", report.counts, report.refusal);
    return report;
  }
  keep_grace(options);
  if (compare.anything_changed()) {
    MergeTransaction merge(connection);
    compare.apply(merge, options.grace_s);
    if (!fingerprint.empty()) row.listed(fingerprint, merge.rev());
    row.close("merged", report.counts);
    report.lock_seconds = merge.commit();
    report.outcome = MergeOutcome::merged;
  } else {
    row.close("unchanged", report.counts);
  }
  if (!fingerprint.empty()) row.settle(report.counts.held);
  return report;
}

SourceScan::SourceScan(Connection& connection, std::string_view method, std::string_view subtree)
    : impl_(std::make_unique<Impl>(connection, method, subtree)) {}

SourceScan::~SourceScan() {
  impl_->row.close_as_failed({.seen = impl_->listing.seen() - impl_->directories}, "given up");
}

void SourceScan::add(std::string_view path, EntryKind kind, std::int64_t size_bytes,
                     std::int64_t mtime_s, bool staged, std::string_view target,
                     std::optional<std::int64_t> ctime_ns) {
  if (kind == EntryKind::link)
    impl_->links[std::string(path)] = {std::string(target), staged};
  else if (!impl_->links.empty())
    impl_->links.erase(std::string(path));
  if (kind == EntryKind::directory) ++impl_->directories;
  impl_->shows_inodes = impl_->shows_inodes || ctime_ns;
  static constexpr char kKinds[] = {'f', 'l', 'd'};
  impl_->listing.add(path, kKinds[static_cast<int>(kind)], std::max<std::int64_t>(size_bytes, 0),
                     mtime_s, staged, ctime_ns, target);
}

void SourceScan::hold_below(std::string_view folder, bool staged) {
  impl_->held.push_back(held_below(folder, staged));
}

MergeReport SourceScan::merge(const MergeOptions& options, const Fidelity& fidelity) {
  try {
    return impl_->merge(options, fidelity);
  } catch (const std::exception& error) {
    impl_->row.close_as_failed({.seen = impl_->listing.seen() - impl_->directories}, error.what());
    throw;
  }
}

void SourceScan::fail(std::string_view error, bool interrupted) {
  impl_->row.close(interrupted ? "interrupted" : "failed",
                   {.seen = impl_->listing.seen() - impl_->directories}, error);
}

}  // namespace mirror::db
