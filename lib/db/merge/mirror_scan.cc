#include <fmt/format.h>

#include <utility>

#include "core/fnv.h"
#include "core/path.h"
#include "db/merge/anchor_versions.h"
#include "db/merge/merge.h"
#include "db/merge/mirror_compare.h"
#include "db/merge/newest_files.h"
#include "db/merge/scan.h"
#include "db/merge/staging.h"
#include "db/mirror/time_keeping.h"
#include "db/path_rules.h"

namespace mirror::db {

namespace {

// Goes into fingerprints. To be raised when a listing comes to mean something else, so that no
// mirror keeps what an older rule made of its listing. Must not look like a precision.
constexpr std::int64_t kRules = std::int64_t{2} << 32;

}  // namespace

struct MirrorScan::Impl {
  Impl(Connection& c, const MirrorRecord& m, std::string_view how, std::string_view part)
      : connection(c),
        mirror(m),
        method(how),
        subtree(part),
        rules(load_path_rules(c)),
        start_rev(newest_rev(c)),
        row(c, m.mirror.id, how, part),
        listing(c, last_good_scan(c, m.mirror.id, how) ? kHeldBytes : 0) {}

  MergeReport merge(const Fidelity& fidelity, const MergeOptions& options);
  bool merge_changes(MirrorCompare& compare, const MergeOptions& options, MergeReport& report);
  MergeReport same_listing(const GoodScan& before);
  Unserved ask_for_newest(const MergeOptions& options, const MirrorCompare* compare);
  void compare_without(const Unserved& unserved, const Fidelity& fidelity,
                       std::optional<MirrorCompare>& compare);
  void compare_again(const Fidelity& fidelity, std::optional<MirrorCompare>& compare);
  void heed(const Fidelity& fidelity, MirrorCompare& compare) const;
  ScanCounts counts_of(const MirrorCompare& compare) const;
  void require_same_mirror();
  std::string guard(MirrorCompare& compare, const MergeOptions& options);
  void ask_about_losses(MirrorCompare& compare, const MergeOptions& options, MergeReport& report);
  bool refuse(MirrorCompare& compare, const MergeOptions& options, MergeReport& report);
  void record_scan(MirrorCompare& compare, const Fidelity& fidelity);
  void close(const char* outcome, const MergeReport& report, const MergeOptions& options);
  MeasuredTimes measured() const { return {mirror.keeps_times_share, mirror.time_offset_s}; }
  std::int64_t held();
  std::int64_t basis(Precision precision) const;
  std::string fault_of(const ScanCounts& counts);
  std::string fitting_prefix();

  Connection& connection;
  MirrorRecord mirror;
  std::string method, subtree;
  PathRules rules;
  std::int64_t start_rev;
  ScanRow row;
  StagedListing listing;
  std::int64_t outside = 0;          // entries that are not in the subtree
  std::optional<ScanCounts> listed;  // of the whole listing, once something was taken out of it
};

namespace {

// A listing this large, or all files if there are no notes of what has changed, would take too long
// to search under the lock; so other merges are caught up with outside it, if possible.
constexpr std::int64_t kLargeListing = 1'000'000;
constexpr int kAttempts = 3;

}  // namespace

// The listing is of what the mirror's row and endpoint said when the scan began.
void MirrorScan::Impl::require_same_mirror() {
  const std::optional<MirrorRecord> now = find_mirror(connection, mirror.mirror.id);
  if (!now) {
    throw Error(fmt::format("mirror '{}' was deleted while it was scanned; nothing was merged",
                            mirror.mirror.identifier),
                "");
  }
  if (!now->is_listed_as(mirror, method)) {
    throw Error(fmt::format("mirror '{}' got another URL, scan option or prefix while it was "
                            "scanned; nothing was merged, scan it again",
                            mirror.mirror.identifier),
                "");
  }
}

std::string MirrorScan::Impl::guard(MirrorCompare& compare, const MergeOptions& options) {
  if (options.force) return "";
  const auto [had, lost] = compare.shrinkage();
  if (lost == 0 ||
      static_cast<double>(lost) * 100 <= options.max_shrink_percent * static_cast<double>(had))
    return "";
  return fmt::format("the mirror would shrink from {} to {} files, more than {}% of them", had,
                     had - lost, options.max_shrink_percent);
}

// Takes the refusal back if the losses are real.
void MirrorScan::Impl::ask_about_losses(MirrorCompare& compare, const MergeOptions& options,
                                        MergeReport& report) {
  constexpr std::int32_t kAsked = 20;
  if (!options.ask_about_losses) return;
  const LossVerdict verdict = options.ask_about_losses(compare.sample_losses(kAsked));
  report.loss_words = verdict.words;
  if (verdict.gone) report.believed = std::exchange(report.refusal, {}) + "; " + verdict.words;
}

// In a statement of its own, since a merge never locks rows of mirror.
void MirrorScan::Impl::record_scan(MirrorCompare& compare, const Fidelity& fidelity) {
  Params params;
  // A part of the tree tells too little about the whole mirror.
  const MeasuredTimes times =
      subtree.empty() && fidelity.shows_times ? compare.times() : measured();
  const std::optional<double> share = times.share;
  params.int2(mirror.mirror.id).boolean(keeping_of(share) == TimeKeeping::kept);
  if (share)
    params.float8(*share);
  else
    params.null();
  connection.run(
      "UPDATE mirror SET last_scan = clock_timestamp(), keeps_times = $2, "
      "keeps_times_share = coalesce($3::float8, keeps_times_share), time_offset_s = $4 "
      "WHERE id = $1",
      params.int8(times.offset_s));
  if (subtree.empty() && fidelity.whole) compare.store_behind();
}

std::int64_t MirrorScan::Impl::held() {
  return connection
      .run("SELECT coalesce(sum(n_files), 0)::bigint FROM cohort WHERE $1 = ANY (mirrors)",
           Params().int2(mirror.mirror.id))
      .int8(0, 0);
}

// Compares the ends of paths: the largest files listed, since their sizes tell them apart best,
// with the source's files of the same size.
std::string MirrorScan::Impl::fitting_prefix() {
  const Result found = connection.run(
      "WITH listed AS (SELECT path, size FROM merge_listing ORDER BY size DESC LIMIT 50), "
      "fits AS (SELECT l.path AS there, f.path AS here, length(l.path) - length(f.path) AS longer "
      "FROM listed l JOIN file f ON f.size = l.size AND f.kind = 'f' AND f.gone_at IS NULL AND NOT "
      "f.staged WHERE CASE WHEN length(l.path) > length(f.path) "
      "THEN substring(l.path FROM length(l.path) - length(f.path)) = '/'::bytea || f.path "
      "ELSE substring(f.path FROM length(f.path) - length(l.path)) = '/'::bytea || l.path END "
      "LIMIT 10000) "
      "SELECT longer > 0, CASE WHEN longer > 0 THEN substring(there FROM 1 FOR longer - 1) "
      "ELSE substring(here FROM 1 FOR -longer - 1) END, count(*) FROM fits "
      "GROUP BY 1, 2 ORDER BY 3 DESC, 2 LIMIT 1");
  if (found.empty()) return "";
  std::string prefix(found.bytes(0, 1));
  const bool strip = found.boolean(0, 0);
  const std::string name = printable(mirror.mirror.identifier);
  if (strip && prefix == mirror.add_prefix)
    return fmt::format("; it would fit without the prefix (mb edit {} --add-prefix \"\")", name);
  if (strip && !mirror.add_prefix.empty()) return "";
  const std::string& present = strip ? mirror.strip_prefix : mirror.add_prefix;
  if (!present.empty()) prefix = strip ? present + '/' + prefix : prefix + '/' + present;
  return fmt::format("; another prefix would fit (mb edit {} --{}-prefix {})", name,
                     strip ? "strip" : "add", printable(prefix));
}

// What MergeReport::of_no_use is to say.
std::string MirrorScan::Impl::fault_of(const ScanCounts& counts) {
  if (!subtree.empty()) {
    const bool any = connection
                         .run(
                             "SELECT EXISTS (SELECT FROM file WHERE path > $1 AND path < $2 AND "
                             "gone_at IS NULL)",
                             Params().bytes(subtree + '/').bytes(subtree + char('/' + 1)))
                         .boolean(0, 0);
    return any ? "" : fmt::format("the source has no file below '{}'", printable(subtree));
  }
  if (counts.held > 0) return "";
  if (!connection.run("SELECT EXISTS (SELECT FROM file WHERE gone_at IS NULL)").boolean(0, 0))
    return "the source has no files yet (mb-scan --source lists it)";
  if (counts.seen == 0) return "the listing has no file that everybody may read";
  if (counts.known == 0) {
    return fmt::format("none of the {} files listed is one of the source's{}", counts.seen,
                       fitting_prefix());
  }
  if (counts.other_time > 0) {
    return fmt::format(
        "{} files have the source's size and another time; they may be other versions",
        counts.other_time);
  }
  return fmt::format("all {} files that the source has too are other versions", counts.known);
}

// False if nothing is left to change, because other merges did it or undid it in the meantime.
bool MirrorScan::Impl::merge_changes(MirrorCompare& compare, const MergeOptions& options,
                                     MergeReport& report) {
  for (int attempt = 1;; ++attempt) {
    if (compare.behind()) {
      Transaction snapshot(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ");
      compare.catch_up();
      snapshot.commit();
    }
    MergeTransaction merge(connection);
    require_same_mirror();
    if (compare.behind()) {
      const bool slow = listing.rows() > kLargeListing || compare.must_read_all();
      if (slow && attempt < kAttempts) continue;  // without the lock
      compare.catch_up();
    }
    if (!compare.anything_changed()) return false;
    compare.apply(merge);
    report.counts = counts_of(compare);
    close("merged", report, options);
    report.lock_seconds = merge.commit();
    return true;
  }
}

void MirrorScan::Impl::close(const char* outcome, const MergeReport& report,
                             const MergeOptions& options) {
  row.close(options.failure.empty() ? outcome : "failed", report.counts, options.failure);
}

// What a listing is judged by, besides the source: under other rules the same one may say more.
std::int64_t MirrorScan::Impl::basis(Precision precision) const {
  const std::int64_t number = static_cast<std::int64_t>(precision) + kRules;
  const std::string regex = rules.immutable_hex_regex();
  return regex.empty()
             ? number
             : static_cast<std::int64_t>(fnv1a(regex, static_cast<std::uint64_t>(number)));
}

// Nothing to compare: neither the listing nor the source has changed.
MergeReport MirrorScan::Impl::same_listing(const GoodScan& before) {
  MergeReport report;
  report.counts = {.seen = listing.seen(),
                   .unknown = before.unknown,
                   .outdated = before.outdated,
                   .held = before.held};
  require_same_mirror();
  row.close("unchanged", report.counts);
  connection.run("UPDATE mirror SET last_scan = clock_timestamp() WHERE id = $1",
                 Params().int2(mirror.mirror.id));
  row.settle(before.held);
  return report;
}

// Whether the listing is not to be believed; then the scan has ended.
bool MirrorScan::Impl::refuse(MirrorCompare& compare, const MergeOptions& options,
                              MergeReport& report) {
  if (!compare.anything_changed()) return false;
  report.refusal = guard(compare, options);
  if (!report.refusal.empty()) ask_about_losses(compare, options, report);
  if (report.refusal.empty()) return false;
  report.outcome = MergeOutcome::refused;
  report.counts = counts_of(compare);
  report.counts.gained = report.counts.lost = 0;
  report.counts.held = held();
  row.close("refused", report.counts, report.refusal);
  return true;
}

// Of the files that the mirror got last. `compare`: by its listing; nullptr: as the database has
// it.
Unserved MirrorScan::Impl::ask_for_newest(const MergeOptions& options,
                                          const MirrorCompare* compare) {
  constexpr std::int32_t kAsked = 400;
  if (!options.ask_for_newest) return {};
  const MirrorId id = mirror.mirror.id;
  NewestFiles newest;
  if (compare)
    newest = newest_after_merge(connection, id, !subtree.empty(), kAsked);
  else
    newest.files = newest_files(connection, id, kAsked);
  newest.times = compare ? compare->times() : measured();
  return newest.files.empty() ? Unserved() : options.ask_for_newest(newest);
}

// As if the listing had none of these. Of what was listed, the counts stay.
void MirrorScan::Impl::compare_without(const Unserved& unserved, const Fidelity& fidelity,
                                       std::optional<MirrorCompare>& compare) {
  listing.drop(unserved.ids);
  if (unserved.most) listing.drop_gained();
  compare_again(fidelity, compare);
  row.listed("", start_rev);  // what is not served now may be so when the same is listed again
}

// Of a listing that is another now. What was counted and measured before is of what was listed.
void MirrorScan::Impl::compare_again(const Fidelity& fidelity,
                                     std::optional<MirrorCompare>& compare) {
  const MeasuredTimes times = compare->times();
  listed = compare->counts();
  compare.emplace(connection, mirror.mirror.id, subtree, fidelity, start_rev, times, rules);
  heed(fidelity, *compare);
  compare->trust_times();
  compare->compare(listing);
}

ScanCounts MirrorScan::Impl::counts_of(const MirrorCompare& compare) const {
  ScanCounts counts = listed.value_or(compare.counts());
  counts.gained = compare.counts().gained;
  counts.lost = compare.counts().lost;
  counts.seen += outside;
  return counts;
}

// A few files that were asked for one by one say less about times than what was measured before.
void MirrorScan::Impl::heed(const Fidelity& fidelity, MirrorCompare& compare) const {
  if (!fidelity.asked_only) return;
  compare.heed_listed_only();
  if (!fidelity.shows_times && mirror.keeps_times_share) compare.trust_times();
}

MergeReport MirrorScan::Impl::merge(const Fidelity& fidelity, const MergeOptions& options) {
  std::optional<Unserved> unserved;
  if (subtree.empty() && !fidelity.asked_only) {
    const std::string fingerprint =
        listing.fingerprint(basis(fidelity.times), fidelity.in_any_order);
    row.listed(fingerprint, start_rev);
    const std::optional<GoodScan> before = last_good_scan(connection, mirror.mirror.id, method);
    if (before && before->fingerprint == fingerprint && before->held == held() &&
        before->held > 0 && !options.force) {
      unserved = ask_for_newest(options, nullptr);
      if (unserved->ids.empty()) return same_listing(*before);
    }
  }
  listing.finish();
  std::optional<MirrorCompare> comparison;
  comparison.emplace(connection, mirror.mirror.id, subtree, fidelity, start_rev, measured(), rules);
  heed(fidelity, *comparison);
  comparison->compare(listing);
  if (fidelity.taken) {
    listing.add_taken(*fidelity.taken, mirror.mirror.id, comparison->times().offset_s);
    compare_again(fidelity, comparison);
  }
  MergeReport report;
  report.counts = counts_of(*comparison);
  if (!unserved) {
    if (refuse(*comparison, options, report)) return report;
    // Who was asked for each file need not be asked again.
    unserved = fidelity.asked_only ? Unserved() : ask_for_newest(options, &*comparison);
  }
  if (!unserved->ids.empty()) compare_without(*unserved, fidelity, comparison);
  MirrorCompare& compare = *comparison;
  report.counts = counts_of(compare);
  heed_listing_of_former_versions(connection, mirror.mirror.id, compare.scope(),
                                  fidelity.asked_only, rules);
  if (compare.anything_changed()) {
    if (merge_changes(compare, options, report)) report.outcome = MergeOutcome::merged;
  } else {
    require_same_mirror();
  }
  if (report.outcome == MergeOutcome::unchanged) {
    report.counts.gained = report.counts.lost = 0;
    close("unchanged", report, options);
  }
  if (options.failure.empty()) record_scan(compare, fidelity);
  if (!report.believed.empty())
    note_scan_event(connection, mirror.mirror.id, "refused", report.believed);
  report.counts.held = held();
  row.settle(report.counts.held);
  if (unserved->ids.empty()) report.of_no_use = fault_of(report.counts);
  return report;
}

std::vector<std::string> sample_of_mirror(Connection& connection, MirrorId mirror,
                                          std::string_view subtree, std::int32_t count) {
  const std::string folder(subtree);
  const Result rows = connection.run(
      "SELECT f.path FROM file f JOIN cohort c ON c.id = f.cohort_id AND $1 = ANY (c.mirrors) "
      "WHERE f.gone_at IS NULL AND ($2 = ''::bytea OR f.path > $2 AND f.path < $3) "
      "ORDER BY random() LIMIT $4",
      Params()
          .int2(mirror)
          .bytes(folder.empty() ? "" : folder + '/')
          .bytes(folder + char('/' + 1))
          .int4(count));
  std::vector<std::string> paths;
  for (int row = 0; row < rows.rows(); ++row) paths.emplace_back(rows.bytes(row, 0));
  return paths;
}

void note_scan_event(Connection& connection, MirrorId mirror, std::string_view outcome,
                     std::string_view why) {
  connection.run("SELECT note_scan_event($1, $2, $3)",
                 Params().int2(mirror).text(outcome).text(why));
}

MirrorScan::MirrorScan(Connection& connection, const MirrorRecord& mirror, std::string_view method,
                       std::string_view subtree)
    : impl_(std::make_unique<Impl>(connection, mirror, method, subtree)) {}

MirrorScan::~MirrorScan() {
  impl_->row.close_as_failed({.seen = impl_->listing.seen()}, "given up");
}

void MirrorScan::add(std::string_view path, std::int64_t size_bytes, std::int64_t mtime_s) {
  const std::string& subtree = impl_->subtree;
  if (!subtree.empty() &&
      !(path.size() > subtree.size() && path.starts_with(subtree) && path[subtree.size()] == '/')) {
    ++impl_->outside;
    return;
  }
  impl_->listing.add(path, 'f', size_bytes, mtime_s, false);
}

void MirrorScan::keep_below(std::string_view folder) { impl_->listing.add_unknown_below(folder); }

void MirrorScan::keep(std::string_view path) { impl_->listing.add_unknown(path); }

MergeReport MirrorScan::merge(const Fidelity& fidelity, const MergeOptions& options) {
  try {
    MergeReport report = impl_->merge(fidelity, options);
    report.start_rev = impl_->start_rev;
    return report;
  } catch (const std::exception& error) {
    impl_->row.close_as_failed({.seen = impl_->listing.seen() + impl_->outside}, error.what());
    throw;
  }
}

void MirrorScan::fail(std::string_view error, bool interrupted) {
  impl_->row.close(interrupted ? "interrupted" : "failed",
                   {.seen = impl_->listing.seen() + impl_->outside}, error);
}

}  // namespace mirror::db
