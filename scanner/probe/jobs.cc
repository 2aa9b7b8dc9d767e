#include "scanner/probe/jobs.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>
#include <utility>

#include "scanner/probe/jitter.h"

namespace mirror::probe {
namespace {

constexpr double kSample_s = 10;  // for other files
constexpr int kChosen = 2;  // of the files of a check: new ones, or those that clients ask for
constexpr int kTries = 8;   // for a file that can be used
constexpr int kTriesForSmall = 32;
constexpr double kWantShare = 1.0 / 60;  // of the interval, for what is wanted sooner
constexpr double kWantAgain_s = 1;       // but not before that
constexpr std::int64_t kSettled_s = 86400;
// Small files cost next to nothing, so their content is checked so many times as often.
constexpr unsigned kSmallTimes = 20;
constexpr std::int64_t kSmallBytes = 64 << 10;
constexpr std::int64_t kAnyBytes = std::numeric_limits<std::int64_t>::max();

bool is_young(const db::ProbeFile& file) {
  return file.mtimes_s.front() > std::time(nullptr) - kSettled_s;
}

}  // namespace

std::optional<Job> Jobs::choose(db::Connection& connection, Item& item, double now_s) {
  std::optional<Job> job = next(connection, item, now_s);
  item.was_rare = job && job->kind != Job::Kind::presence;
  return job;
}

// Never two rare ones in a row: they do not tell whether the way is down.
std::optional<Job> Jobs::next(db::Connection& connection, Item& item, double now_s) {
  const MirrorId id = item.mirror->mirror.id;
  if (item.doubted && !db::ProbeFiles::again(connection, id, item.doubted->file))
    item.doubted.reset();  // gone, withdrawn or another version by now
  if (item.doubted) return item.doubted;
  if (sampled_s_ < 0 || now_s - sampled_s_ >= kSample_s) {
    files_.sample(connection);
    sampled_s_ = now_s;
  }
  const bool may_be_rare = options_.loop || findings_.doubts(id);
  if (may_be_rare && !item.was_rare && item.hysteresis.state() == State::up && !item.failing()) {
    if (auto job = rare(connection, item, now_s)) return job;
  }
  // Most are random files, and of a mirror that must show that it is good again all.
  if (item.in_row < kChosen && !findings_.doubts(id)) {
    if (auto job = young(connection, item)) return job;
    if (auto job = asked(connection, item)) return job;
  }
  return presence(connection, item);
}

// Of another file than the one that was just refused, which may be refused alone.
std::optional<Job> Jobs::presence(db::Connection& connection, const Item& item) {
  std::optional<db::ProbeFile> file;
  for (int i = 0; i < kTries; ++i) {
    file = files_.choose(connection, item.mirror->mirror.id, !options_.loop);
    if (!file || !item.refused || item.refused->file.id != file->id) break;
  }
  if (!file) return std::nullopt;
  return Job{Job::Kind::presence, *file, std::nullopt};
}

// Every second time. A listing may be of another tree than the web server's, which then has old
// files, and no new ones.
std::optional<Job> Jobs::young(db::Connection& connection, Item& item) {
  const MirrorId id = item.mirror->mirror.id;
  if (std::exchange(item.was_young, false) || item.refused) return std::nullopt;
  const std::optional<std::int64_t> file_id = fresh_.young_file(id);
  const auto file = file_id ? db::ProbeFiles::one(connection, id, *file_id) : std::nullopt;
  if (!file) return std::nullopt;
  item.was_young = true;
  return Job{Job::Kind::presence, *file, std::nullopt};
}

// The sample may be some seconds old.
std::optional<Job> Jobs::asked(db::Connection& connection, Item& item) {
  const MirrorId id = item.mirror->mirror.id;
  if (!options_.loop || std::exchange(item.was_asked, false) || item.refused) return std::nullopt;
  const auto known = files_.choose_asked(id);
  const auto file = known ? db::ProbeFiles::again(connection, id, *known) : std::nullopt;
  if (!file) return std::nullopt;
  item.was_asked = true;
  return Job{Job::Kind::presence, *file, std::nullopt};
}

// The longest overdue first. What must be known before a mirror is believed comes sooner, but not
// all the time.
std::optional<Job> Jobs::rare(db::Connection& connection, const Item& item, double now_s) {
  const MirrorId id = item.mirror->mirror.id;
  Due& due = due_of(id, now_s);
  std::array<Due::Kind*, 3> kinds{&due.content, &due.impossible, &due.large};
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const auto* a, const auto* b) { return a->at_s < b->at_s; });
  for (Due::Kind* const kind : kinds) {
    const bool wanted = now_s >= kind->wanted_s && findings_.wants(id, kind->kind);
    if (!wanted && (!options_.loop || now_s < kind->at_s)) continue;
    if (wanted) kind->wanted_s = now_s + std::max(kWantAgain_s, options_.content_s * kWantShare);
    kind->at_s = now_s + jittered(kind->every_s);
    if (auto job = make(connection, id, kind->kind, now_s)) return job;
  }
  return std::nullopt;
}

std::optional<Job> Jobs::make(db::Connection& connection, MirrorId id, Job::Kind kind,
                              double now_s) {
  if (kind == Job::Kind::large) return large(connection, id, now_s);
  if (kind == Job::Kind::content) return content(connection, id, now_s);
  if (const auto file = files_.choose(connection, id, false)) return Job{kind, *file, std::nullopt};
  return std::nullopt;
}

// They are found for all mirrors together.
std::optional<Job> Jobs::large(db::Connection& connection, MirrorId id, double now_s) {
  if (large_read_s_ < 0 || now_s - large_read_s_ >= options_.large_s) {
    large_ = db::large_file_ids(connection);
    large_read_s_ = now_s;
  }
  const auto file = db::choose_large_file(connection, id, large_);
  if (!file) return std::nullopt;
  std::uniform_int_distribution<std::int64_t> where(db::kLargeBytes, file->size_bytes - 1);
  return Job{Job::Kind::large, *file, db::ContentPiece{where(random_), 1, "", ""}};
}

// Each twentieth time of a large file if there is one, and of a small one in between; of any if it
// is wanted.
std::optional<Job> Jobs::content(db::Connection& connection, MirrorId id, double now_s) {
  const bool in_turn = due_of(id, now_s).contents++ % kSmallTimes == 0;
  const bool any = in_turn || findings_.wants(id, Job::Kind::content);
  auto job = content_of(connection, id, any ? kAnyBytes : kSmallBytes, in_turn);
  if (!job && any) findings_.cannot_check_content(id);
  return job;
}

// Of a file that has not changed for a day: of others a mirror may have a newer version than the
// database knows.
std::optional<Job> Jobs::content_of(db::Connection& connection, MirrorId id,
                                    std::int64_t most_bytes, bool prefers_large) {
  const bool small = findings_.prefers_small(id) || most_bytes < kAnyBytes;
  const std::int64_t least_bytes = prefers_large && !small ? kSmallBytes + 1 : 0;
  std::optional<Job> any;
  for (int i = 0; i < (small ? kTriesForSmall : kTries); ++i) {
    const auto file = files_.choose(connection, id, false);
    if (!file) break;
    if (is_young(*file) || file->size_bytes > most_bytes) continue;
    const auto piece = db::choose_piece(connection, *file, random_);
    if (!piece) continue;
    any = Job{Job::Kind::content, *file, piece};
    if (file->size_bytes >= least_bytes && (!small || piece->first == 0)) break;
  }
  return any;
}

// The first ones of all mirrors are spread.
Jobs::Due& Jobs::due_of(MirrorId id, double now_s) {
  const auto [found, is_new] = due_.try_emplace(id);
  if (is_new) {
    std::uniform_real_distribution<double> share(0, 1);
    const auto first = [&](Job::Kind kind, double every_s) {
      return Due::Kind{kind, every_s, now_s + share(random_) * every_s, 0};
    };
    found->second = {first(Job::Kind::content, options_.content_s / kSmallTimes),
                     first(Job::Kind::impossible, options_.impossible_s),
                     first(Job::Kind::large, options_.large_s)};
  }
  return found->second;
}

}  // namespace mirror::probe
