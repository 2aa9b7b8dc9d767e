#include "scanner/probe/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "core/path.h"
#include "db/merge/one_file.h"
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

void Findings::begin(db::Connection& connection) {
  for (auto& [id, mirror] : mirrors_)
    mirror.wrong_since_s = mirror.returning_since_s = std::nullopt;
  for (const db::MirrorDoubt& doubt : db::all_doubts(connection)) {
    Believed& mirror = mirrors_[doubt.mirror_id];
    mirror.name = doubt.mirror;
    if (doubt.kind == Standing::wrong) mirror.wrong_since_s = doubt.since_s;
    if (doubt.kind == Standing::returning) mirror.returning_since_s = doubt.since_s;
  }
}

void Findings::right(const db::MirrorRecord& mirror, double now_s) {
  queue_.push_back({mirror.mirror.id,
                    mirror.mirror.identifier,
                    Finding::Kind::right,
                    {},
                    "",
                    is_listed_by_rsync(mirror),
                    now_s});
}

void Findings::wrong(const db::MirrorRecord& mirror, const db::ProbeFile& file,
                     const std::string& reason, double now_s) {
  found_wrong_ = true;
  queue_.push_back({mirror.mirror.id, mirror.mirror.identifier, Finding::Kind::wrong, file, reason,
                    is_listed_by_rsync(mirror), now_s});
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
      mirror.last_wrong_s = finding.at_s;
      return withdraw(connection, finding, mirror);
    case Finding::Kind::right:
      mirror.last_right_s = finding.at_s;
      mirror.record.add(true);
      told_most_ = told_most_ && most_are_wrong(finding.at_s);
      if (mirror.record.right_in_a_row() >= kEnough)
        believe_again(connection, finding.mirror_id, mirror);
  }
}

void Findings::withdraw(db::Connection& connection, const Finding& finding, Believed& mirror) {
  if (most_are_wrong(finding.at_s)) {
    if (!std::exchange(told_most_, true)) {
      reporter_.warning(
          "most mirrors seem to lack files that they should have: nothing is "
          "withdrawn (was the source scanned after it changed?)");
    }
    return;
  }
  // None, if the file has another version by now, or was withdrawn for another way's check.
  if (db::withdraw_files(connection,
                         {{finding.mirror_id, finding.file.id, finding.file.version_rev}}) == 0)
    return;
  reporter_.warning(fmt::format("mirror '{}': '{}' is withdrawn: {}", finding.mirror,
                                printable(finding.file.path), finding.reason));
  FileRecord& record = mirror.record;
  record.add(false);
  if (!record.too_many_wrong()) return;
  doubt(
      connection, finding, Standing::wrong,
      fmt::format("{}: {} of the last {} files checked are missing or wrong; '{}': {}",
                  finding.by_rsync ? "rsync lists what the web server does not serve"
                                   : "serves something else than what was listed",
                  record.wrong(), record.checked(), printable(finding.file.path), finding.reason));
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
  (kind == Standing::wrong ? mirror.wrong_since_s : mirror.returning_since_s) = std::time(nullptr);
  mirror.record = FileRecord();
  if (!db::set_doubt(connection, finding.mirror_id, kind, reason)) return;
  reporter_.warning(
      fmt::format("mirror '{}' is {}: {}", finding.mirror, standing_name(kind), reason));
}

void Findings::believe_again(db::Connection& connection, MirrorId id, Believed& mirror) {
  const bool enough = mirror.record.right_in_a_row() >= kEnough;
  if (mirror.returning_since_s &&
      (enough || db::scanned_since(connection, id, *mirror.returning_since_s)))
    clear(connection, id, mirror, Standing::returning);
  if (mirror.wrong_since_s && enough && db::scanned_since(connection, id, *mirror.wrong_since_s)) {
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

bool Findings::doubts(MirrorId id) const {
  const auto found = mirrors_.find(id);
  return found != mirrors_.end() &&
         (found->second.wrong_since_s || found->second.returning_since_s);
}

}  // namespace mirror::probe
