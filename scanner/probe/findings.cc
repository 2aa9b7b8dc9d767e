#include "scanner/probe/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "core/path.h"
#include "core/readable.h"
#include "db/feed.h"
#include "db/merge/one_file.h"
#include "db/probe/content_pieces.h"
#include "db/probe/doubts.h"

namespace mirror::probe {
namespace {

// Where so many mirrors seem to lack files, the source was not scanned for long, or something
// between them and us answers in their place.
constexpr std::size_t kMostMirrors = 3;
constexpr double kLookBack_s = 60;

constexpr double kAgain_s = 10;  // to the next try of what failed
constexpr double kMerge_s = 20;  // to the next look whether a merge has ended: each costs seconds
constexpr int kTries = 3;
constexpr int kMoreContent = 10;      // checks that follow a file with other content
constexpr double kLossTime_s = 3600;  // losses that lie farther apart are not added up

std::string duration_text(double seconds) {
  const auto minutes = static_cast<std::int64_t>(seconds / 60);
  if (minutes < 1) return fmt::format("{:.0f} s", seconds);
  if (minutes < 120) return fmt::format("{} min", minutes);
  if (minutes < 48 * 60) return fmt::format("{} h", minutes / 60);
  return fmt::format("{} days", minutes / (24 * 60));
}

bool is_listed_by_rsync(const db::MirrorRecord& mirror) {
  return !mirror.endpoints.empty() && mirror.endpoints.front().method == "rsync";
}

std::string_view contradiction(bool by_rsync) {
  return by_rsync ? "rsync lists what the web server does not serve"
                  : "serves something else than what was listed";
}

// What a line adds where the file does not speak against the mirror.
const char* words_of(db::AtSource at_source) {
  switch (at_source) {
    case db::AtSource::gone:
      return "; the source has deleted it too";
    case db::AtSource::pending:
      return "; the source's file was touched and is not yet hashed again";
    case db::AtSource::changed:
      return "; the source has another version by now";
    case db::AtSource::same:
      break;
  }
  return "";
}

}  // namespace

Findings::Finding& Findings::add(const db::MirrorRecord& mirror, Finding::Kind kind) {
  Finding finding;
  finding.mirror_id = mirror.mirror.id;
  finding.mirror = mirror.mirror.identifier;
  finding.kind = kind;
  finding.by_rsync = is_listed_by_rsync(mirror);
  return queue_.emplace_back(std::move(finding));
}

void Findings::right(const db::MirrorRecord& mirror, Job::Kind kind, double now_s) {
  Finding& finding = add(mirror, Finding::Kind::right);
  finding.job.kind = kind;
  finding.at_s = now_s;
  if (kind == Job::Kind::presence) mirrors_[finding.mirror_id].suspect = false;
}

void Findings::wrong(const db::MirrorRecord& mirror, const Job& job, const Verdict& verdict,
                     bool deleted, double now_s) {
  found_wrong_ = true;
  Finding& finding = add(mirror, Finding::Kind::wrong);
  finding.job = job;
  finding.reason = verdict.reason;
  finding.other_bytes = verdict.other_bytes;
  finding.newer = verdict.newer;
  finding.deleted = deleted;
  finding.at_s = now_s;
  mirrors_[finding.mirror_id].suspect = !verdict.newer && !deleted;
}

void Findings::came_back(const db::MirrorRecord& mirror, double after_s) {
  add(mirror, Finding::Kind::came_back).reason =
      fmt::format("was down for {}, and its files were not checked since", duration_text(after_s));
}

void Findings::settle(db::Connection& connection, double now_s, bool patient) {
  settle_all(connection, now_s, patient, false);
}

void Findings::settle_returns(db::Connection& connection, double now_s, bool patient) {
  settle_all(connection, now_s, patient, true);
}

void Findings::settle_all(db::Connection& connection, double now_s, bool patient,
                          bool returns_only) {
  for (std::size_t left = queue_.size(); left > 0; --left) {
    Finding finding = std::move(queue_.front());
    queue_.pop_front();
    const bool merges = finding.kind == Finding::Kind::wrong;
    const bool waits = now_s < finding.again_s || (merges && now_s < merge_free_s_);
    if (waits || (returns_only && finding.kind != Finding::Kind::came_back)) {
      queue_.push_back(std::move(finding));
      continue;
    }
    try {
      settle_one(connection, finding);
    } catch (const db::Error& error) {
      put_off(std::move(finding), error, now_s);
      if (!patient || connection.broken()) throw;
    }
  }
}

// Waiting for a merge is no failure, however long it takes.
void Findings::put_off(Finding&& finding, const db::Error& error, double now_s) {
  if (db::locked(error)) {
    merge_free_s_ = now_s + kMerge_s;
    queue_.push_back(std::move(finding));
  } else if (++finding.tries < kTries) {
    finding.again_s = now_s + kAgain_s;
    queue_.push_back(std::move(finding));
  } else {
    reporter_.warning(fmt::format("mirror '{}': what a check found cannot be written: {}",
                                  finding.mirror, error.what()));
  }
}

void Findings::settle_one(db::Connection& connection, const Finding& finding) {
  Believed& mirror = mirrors_[finding.mirror_id];
  mirror.name = finding.mirror;
  switch (finding.kind) {
    case Finding::Kind::came_back:
      return doubt(connection, finding, db::DoubtKind::returning, finding.reason);
    case Finding::Kind::wrong:
      return take_wrong(connection, finding, mirror);
    case Finding::Kind::right:
      return take_right(connection, finding, mirror);
  }
}

void Findings::take_right(db::Connection& connection, const Finding& finding, Believed& mirror) {
  const Job::Kind kind = finding.job.kind;
  if (kind == Job::Kind::content) {
    mirror.content_right = true;
    mirror.not_compared = 0;
    if (mirror.content_again > 0 && --mirror.content_again == 0) mirror.perhaps_other.reset();
  }
  if (kind == Job::Kind::impossible) mirror.impossible_right = true;
  if (kind == Job::Kind::presence) {
    mirror.last_right_s = finding.at_s;
    mirror.lately.add(true);
    mirror.record.add(true);
    told_most_ = told_most_ && most_are_wrong(finding.at_s);
  }
  if (mirror.record.right_in_a_row() >= kEnough)
    believe_again(connection, finding.mirror_id, mirror);
}

void Findings::take_wrong(db::Connection& connection, const Finding& finding, Believed& mirror) {
  heed_others(connection);
  mirror.last_wrong_s = finding.at_s;
  mirror.lately.add(false);
  if (most_are_wrong(finding.at_s)) {
    if (!std::exchange(told_most_, true)) {
      reporter_.warning(
          "most mirrors seem to lack files that they should have: nothing is "
          "withdrawn (was the source scanned after it changed?)");
    }
    return;
  }
  switch (finding.job.kind) {
    case Job::Kind::presence:
      return withdraw(connection, finding, mirror);
    case Job::Kind::content:
      withdraw(connection, finding, mirror);
      if (!finding.newer) mirror.content_again = kMoreContent;
      if (!shows_other_bytes(finding, mirror)) return;
      return doubt(connection, finding, db::DoubtKind::wrong,
                   fmt::format("'{}': {}", printable(finding.job.file.path), finding.reason));
    case Job::Kind::impossible:
      return doubt(connection, finding, db::DoubtKind::wrong, finding.reason);
    case Job::Kind::large:
      return withdraw_large(connection, finding);
  }
}

// Where no time shows that the file is not ahead of us, it takes a second file.
bool Findings::shows_other_bytes(const Finding& finding, Believed& mirror) {
  if (finding.other_bytes || finding.newer) return finding.other_bytes;
  const std::int64_t id = finding.job.file.id;
  return std::exchange(mirror.perhaps_other, id).value_or(id) != id;
}

// What it has beyond 2 GiB it has not at all, and so it is with all such files.
void Findings::withdraw_large(db::Connection& connection, const Finding& finding) {
  const std::int64_t files =
      db::withdraw_files(connection, db::large_files(connection, finding.mirror_id));
  if (files == 0) return;
  reporter_.warning(fmt::format(
      "mirror '{}': {} files larger than 2 GiB are withdrawn, since it cannot send them whole; "
      "'{}': {} (mb edit {} --file-maxsize 2147483648 keeps them away)",
      finding.mirror, files, printable(finding.job.file.path), finding.reason, finding.mirror));
}

void Findings::withdraw(db::Connection& connection, const Finding& finding, Believed& mirror) {
  const db::ProbeFile& file = finding.job.file;
  const db::AtSource at_source =
      finding.deleted ? db::AtSource::gone : db::ProbeFiles::at_source(connection, file);
  // None, if the file has another version by now, or was withdrawn for another way's check.
  if (db::withdraw_files(connection, {{finding.mirror_id, file.id, file.version_rev}}) == 0) return;
  reporter_.warning(fmt::format("mirror '{}': '{}' is withdrawn: {}{}", finding.mirror,
                                printable(file.path), finding.reason, words_of(at_source)));
  if (finding.job.kind == Job::Kind::content)
    other_content_.push_back({finding.mirror_id, file.id, file.version_rev});
  // A mirror that is ahead of our last look at the source is no worse for that.
  if (finding.newer || at_source != db::AtSource::same) return;
  if (finding.job.kind == Job::Kind::presence)
    withdrawn_.emplace_back(finding.mirror_id, file.path);
  FileRecord& record = mirror.record;
  record.add(false);
  if (!record.too_many_wrong()) return;
  doubt(connection, finding, db::DoubtKind::wrong,
        fmt::format("{}: {} of the last {} files checked are missing or wrong; '{}': {}",
                    contradiction(finding.by_rsync), record.wrong(), record.checked(),
                    printable(finding.job.file.path), finding.reason));
}

void Findings::lost(db::Connection& connection, const db::MirrorRecord& record,
                    const FolderLoss& loss, double now_s) {
  heed_others(connection);
  if (loss.of_newest > 0) return lost_newest(connection, record, loss, now_s);
  Believed& mirror = mirrors_[loss.mirror];
  if (now_s - mirror.lost_s > kLossTime_s) mirror.lost = 0;
  mirror.lost += loss.files;
  mirror.lost_s = now_s;
  const std::int64_t had = mirror.lost + db::held_files(connection, loss.mirror);
  const auto lost = static_cast<double>(mirror.lost);
  if (mirror.lost < FileRecord::kFewestWrong || most_are_wrong(now_s) ||
      lost <= FileRecord::kMostWrong * static_cast<double>(had))
    return;
  doubt(connection, loss.mirror, record.mirror.identifier, db::DoubtKind::wrong,
        fmt::format("{}: {} of its {} files are missing; '{}/': {}",
                    contradiction(is_listed_by_rsync(record)), grouped(mirror.lost), grouped(had),
                    printable(loss.folder), loss.reason));
  mirror.lost = 0;
}

// The web server shows another tree than the one that was listed, or the same as it was long ago.
void Findings::lost_newest(db::Connection& connection, const db::MirrorRecord& record,
                           const FolderLoss& loss, double now_s) {
  if (loss.files < FileRecord::kFewestWrong || loss.files * 2 <= loss.of_newest ||
      most_are_wrong(now_s))
    return;
  doubt(connection, loss.mirror, record.mirror.identifier, db::DoubtKind::wrong,
        fmt::format("{}: {} of the {} files that it got last are missing or old; the last one: {}",
                    contradiction(is_listed_by_rsync(record)), grouped(loss.files),
                    grouped(loss.of_newest), loss.reason));
}

// Of the mirrors whose files were checked of late.
bool Findings::most_are_wrong(double now_s) const {
  const double since_s = now_s - std::max(kLookBack_s, interval_s_);
  std::size_t wrong = 0, checked = 0;
  for (const auto& [id, mirror] : mirrors_) {
    if (mirror.wrong_since_s) continue;  // is told from the source already
    if (mirror.last_wrong_s >= since_s && mirror.lately.many_wrong_of_late()) ++wrong;
    if (std::max(mirror.last_wrong_s, mirror.last_right_s) >= since_s) ++checked;
  }
  return wrong >= kMostMirrors && wrong * 2 > checked;
}

void Findings::doubt(db::Connection& connection, const Finding& finding, db::DoubtKind kind,
                     const std::string& reason) {
  doubt(connection, finding.mirror_id, finding.mirror, kind, reason);
}

void Findings::doubt(db::Connection& connection, MirrorId id, const std::string& name,
                     db::DoubtKind kind, const std::string& reason) {
  Believed& mirror = mirrors_[id];
  auto& since_s = kind == db::DoubtKind::wrong ? mirror.wrong_since_s : mirror.returning_since_s;
  if (!since_s) since_s = std::time(nullptr);
  mirror.record = FileRecord();
  if (kind == db::DoubtKind::wrong) {
    mirror.content_right = mirror.impossible_right = false;
    mirror.perhaps_other.reset();
    mirror.content_again = mirror.not_compared = 0;
  }
  remember(connection);  // first, since what was right before must not clear it after a restart
  if (!db::set_doubt(connection, id, kind, reason)) return;
  reporter_.warning(
      fmt::format("mirror '{}' is {}: {}", name, standing_name(db::standing_of(kind)), reason));
}

void Findings::believe_again(db::Connection& connection, MirrorId id, Believed& mirror) {
  const bool enough = mirror.record.right_in_a_row() >= kEnough;
  if (mirror.returning_since_s &&
      (enough || db::scanned_since(connection, id, *mirror.returning_since_s)))
    clear(connection, id, mirror, db::DoubtKind::returning);
  if (mirror.wrong_since_s && enough && mirror.content_right && mirror.impossible_right &&
      db::scanned_since(connection, id, *mirror.wrong_since_s)) {
    clear(connection, id, mirror, db::DoubtKind::wrong);
    mirror.record = FileRecord();
  }
}

void Findings::clear(db::Connection& connection, MirrorId id, Believed& mirror,
                     db::DoubtKind kind) {
  (kind == db::DoubtKind::wrong ? mirror.wrong_since_s : mirror.returning_since_s).reset();
  if (db::clear_doubt(connection, id, kind))
    reporter_.warning(fmt::format("mirror '{}' is no longer {}", mirror.name,
                                  standing_name(db::standing_of(kind))));
}

void Findings::review(db::Connection& connection) {
  for (auto& [id, mirror] : mirrors_)
    if (doubts(id)) believe_again(connection, id, mirror);
}

bool Findings::wants(MirrorId id, Job::Kind kind) const {
  const auto found = mirrors_.find(id);
  if (found == mirrors_.end()) return false;
  const Believed& mirror = found->second;
  if (!mirror.wrong_since_s) return kind == Job::Kind::content && mirror.content_again > 0;
  if (mirror.record.right_in_a_row() < kEnough / 2) return false;
  return kind == Job::Kind::content      ? !mirror.content_right
         : kind == Job::Kind::impossible ? !mirror.impossible_right
                                         : false;
}

void Findings::not_compared(MirrorId id) {
  Believed& mirror = mirrors_[id];
  if (++mirror.not_compared >= kTries) mirror.content_right = true;
}

bool Findings::prefers_small(MirrorId id) const {
  const auto found = mirrors_.find(id);
  return found != mirrors_.end() && found->second.not_compared > 0;
}

bool Findings::suspects(MirrorId id) const {
  const auto found = mirrors_.find(id);
  return found != mirrors_.end() && found->second.suspect;
}

bool Findings::doubts(MirrorId id) const {
  const auto found = mirrors_.find(id);
  return found != mirrors_.end() &&
         (found->second.wrong_since_s || found->second.returning_since_s);
}

}  // namespace mirror::probe
