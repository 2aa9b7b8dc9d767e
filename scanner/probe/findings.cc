#include "scanner/probe/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "core/path.h"
#include "db/merge/one_file.h"
#include "db/probe/content_pieces.h"
#include "db/probe/doubts.h"

namespace mirror::probe {
namespace {

// Where so many mirrors seem to lack files, the source was not scanned for long, or something
// between them and us answers in their place.
constexpr std::size_t kMostMirrors = 3;
constexpr double kLookBack_s = 60;

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

}  // namespace

void Findings::read_doubts(db::Connection& connection) {
  for (auto& [id, mirror] : mirrors_)
    mirror.wrong_since_s = mirror.returning_since_s = std::nullopt;
  for (const db::MirrorDoubt& doubt : db::all_doubts(connection)) {
    Believed& mirror = mirrors_[doubt.mirror_id];
    mirror.name = doubt.mirror;
    if (doubt.kind == Standing::wrong) mirror.wrong_since_s = doubt.since_s;
    if (doubt.kind == Standing::returning) mirror.returning_since_s = doubt.since_s;
  }
}

void Findings::right(const db::MirrorRecord& mirror, Job::Kind kind, double now_s) {
  queue_.push_back({mirror.mirror.id, mirror.mirror.identifier, Finding::Kind::right,
                    Job{kind, {}, {}}, "", false, is_listed_by_rsync(mirror), now_s});
}

void Findings::wrong(const db::MirrorRecord& mirror, const Job& job, const Verdict& verdict,
                     double now_s) {
  found_wrong_ = true;
  queue_.push_back({mirror.mirror.id, mirror.mirror.identifier, Finding::Kind::wrong, job,
                    verdict.reason, verdict.other_bytes, is_listed_by_rsync(mirror), now_s});
}

void Findings::came_back(const db::MirrorRecord& mirror, double after_s) {
  queue_.push_back(
      {mirror.mirror.id,
       mirror.mirror.identifier,
       Finding::Kind::came_back,
       {},
       fmt::format("was down for {}, and its files were not checked since", duration_text(after_s)),
       is_listed_by_rsync(mirror),
       0});
}

void Findings::settle(db::Connection& connection) {
  for (; !queue_.empty(); queue_.pop_front()) settle_one(connection, queue_.front());
}

void Findings::settle_one(db::Connection& connection, const Finding& finding) {
  Believed& mirror = mirrors_[finding.mirror_id];
  mirror.name = finding.mirror;
  switch (finding.kind) {
    case Finding::Kind::came_back:
      return doubt(connection, finding, Standing::returning, finding.reason);
    case Finding::Kind::wrong:
      return take_wrong(connection, finding, mirror);
    case Finding::Kind::right:
      return take_right(connection, finding, mirror);
  }
}

void Findings::take_right(db::Connection& connection, const Finding& finding, Believed& mirror) {
  const Job::Kind kind = finding.job.kind;
  if (kind == Job::Kind::content) mirror.content_right = true;
  if (kind == Job::Kind::impossible) mirror.impossible_right = true;
  if (kind == Job::Kind::presence) {
    mirror.last_right_s = finding.at_s;
    mirror.record.add(true);
    told_most_ = told_most_ && most_are_wrong(finding.at_s);
  }
  if (mirror.record.right_in_a_row() >= kEnough)
    believe_again(connection, finding.mirror_id, mirror);
}

void Findings::take_wrong(db::Connection& connection, const Finding& finding, Believed& mirror) {
  mirror.last_wrong_s = finding.at_s;
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
      if (!finding.other_bytes) return;
      return doubt(connection, finding, Standing::wrong,
                   fmt::format("'{}': {}", printable(finding.job.file.path), finding.reason));
    case Job::Kind::impossible:
      return doubt(connection, finding, Standing::wrong, finding.reason);
    case Job::Kind::large:
      return withdraw_large(connection, finding);
  }
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
  // None, if the file has another version by now, or was withdrawn for another way's check.
  if (db::withdraw_files(connection, {{finding.mirror_id, finding.job.file.id,
                                       finding.job.file.version_rev}}) == 0)
    return;
  reporter_.warning(fmt::format("mirror '{}': '{}' is withdrawn: {}", finding.mirror,
                                printable(finding.job.file.path), finding.reason));
  FileRecord& record = mirror.record;
  record.add(false);
  if (!record.too_many_wrong()) return;
  doubt(connection, finding, Standing::wrong,
        fmt::format("{}: {} of the last {} files checked are missing or wrong; '{}': {}",
                    finding.by_rsync ? "rsync lists what the web server does not serve"
                                     : "serves something else than what was listed",
                    record.wrong(), record.checked(), printable(finding.job.file.path),
                    finding.reason));
}

// Of the mirrors whose files were checked of late.
bool Findings::most_are_wrong(double now_s) const {
  const double since_s = now_s - std::max(kLookBack_s, interval_s_);
  std::size_t wrong = 0, checked = 0;
  for (const auto& [id, mirror] : mirrors_) {
    if (mirror.last_wrong_s >= since_s && !mirror.wrong_since_s) ++wrong;
    if (std::max(mirror.last_wrong_s, mirror.last_right_s) >= since_s) ++checked;
  }
  return wrong >= kMostMirrors && wrong * 2 > checked;
}

void Findings::doubt(db::Connection& connection, const Finding& finding, Standing kind,
                     const std::string& reason) {
  Believed& mirror = mirrors_[finding.mirror_id];
  auto& since_s = kind == Standing::wrong ? mirror.wrong_since_s : mirror.returning_since_s;
  if (!since_s) since_s = std::time(nullptr);
  mirror.record = FileRecord();
  if (kind == Standing::wrong) mirror.content_right = mirror.impossible_right = false;
  if (!db::set_doubt(connection, finding.mirror_id, kind, reason)) return;
  reporter_.warning(
      fmt::format("mirror '{}' is {}: {}", finding.mirror, standing_name(kind), reason));
}

void Findings::believe_again(db::Connection& connection, MirrorId id, Believed& mirror) {
  const bool enough = mirror.record.right_in_a_row() >= kEnough;
  if (mirror.returning_since_s &&
      (enough || db::scanned_since(connection, id, *mirror.returning_since_s)))
    clear(connection, id, mirror, Standing::returning);
  if (mirror.wrong_since_s && enough && mirror.content_right && mirror.impossible_right &&
      db::scanned_since(connection, id, *mirror.wrong_since_s)) {
    clear(connection, id, mirror, Standing::wrong);
    mirror.record = FileRecord();
  }
}

void Findings::clear(db::Connection& connection, MirrorId id, Believed& mirror, Standing kind) {
  (kind == Standing::wrong ? mirror.wrong_since_s : mirror.returning_since_s).reset();
  if (db::clear_doubt(connection, id, kind))
    reporter_.warning(fmt::format("mirror '{}' is no longer {}", mirror.name, standing_name(kind)));
}

void Findings::review(db::Connection& connection) {
  for (auto& [id, mirror] : mirrors_)
    if (doubts(id)) believe_again(connection, id, mirror);
}

bool Findings::wants(MirrorId id, Job::Kind kind) const {
  const auto found = mirrors_.find(id);
  if (found == mirrors_.end() || !found->second.wrong_since_s) return false;
  const Believed& mirror = found->second;
  if (mirror.record.right_in_a_row() < kEnough / 2) return false;
  return kind == Job::Kind::content      ? !mirror.content_right
         : kind == Job::Kind::impossible ? !mirror.impossible_right
                                         : false;
}

bool Findings::doubts(MirrorId id) const {
  const auto found = mirrors_.find(id);
  return found != mirrors_.end() &&
         (found->second.wrong_since_s || found->second.returning_since_s);
}

}  // namespace mirror::probe
