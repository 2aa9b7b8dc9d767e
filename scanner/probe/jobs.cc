#include "scanner/probe/jobs.h"

#include <algorithm>
#include <ctime>

namespace mirror::probe {
namespace {

constexpr double kSample_s = 10;  // for other files
constexpr int kTries = 8;         // for a file whose content can be checked
constexpr std::int64_t kSettled_s = 86400;

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
  if (options_.loop && !item.was_rare && item.hysteresis.state() == State::up && !item.failing()) {
    if (auto job = rare(connection, item, now_s)) return job;
  }
  const auto file = files_.choose(connection, id, !options_.loop);
  if (!file) return std::nullopt;
  return Job{Job::Kind::presence, *file, std::nullopt};
}

std::optional<Job> Jobs::rare(db::Connection& connection, const Item& item, double now_s) {
  const MirrorId id = item.mirror->mirror.id;
  Due& next = due(id, now_s);
  if (now_s >= next.content_s || findings_.wants(id, Job::Kind::content)) {
    next.content_s = later(options_.content_s, now_s);
    if (auto job = content(connection, id)) return job;
    findings_.cannot_check_content(id);
  }
  if (now_s >= next.impossible_s || findings_.wants(id, Job::Kind::impossible)) {
    next.impossible_s = later(options_.impossible_s, now_s);
    if (const auto file = files_.choose(connection, id, false))
      return Job{Job::Kind::impossible, *file, std::nullopt};
  }
  if (now_s >= next.large_s) {
    next.large_s = later(options_.large_s, now_s);
    if (const auto file = db::choose_large_file(connection, id)) {
      std::uniform_int_distribution<std::int64_t> where(db::kLargeBytes, file->size_bytes - 1);
      return Job{Job::Kind::large, *file, db::ContentPiece{where(random_), 1, "", ""}};
    }
  }
  return std::nullopt;
}

// Of a file that has not changed for a day: of others a mirror may have a newer version than the
// database knows.
std::optional<Job> Jobs::content(db::Connection& connection, MirrorId id) {
  for (int i = 0; i < kTries; ++i) {
    const auto file = files_.choose(connection, id, false);
    if (!file) return std::nullopt;
    if (is_young(*file)) continue;
    if (const auto piece = db::choose_piece(connection, *file, random_))
      return Job{Job::Kind::content, *file, piece};
  }
  return std::nullopt;
}

// The first ones of all mirrors are spread.
Jobs::Due& Jobs::due(MirrorId id, double now_s) {
  const auto [found, is_new] = due_.try_emplace(id);
  if (is_new) {
    std::uniform_real_distribution<double> share(0, 1);
    found->second = {now_s + share(random_) * options_.content_s,
                     now_s + share(random_) * options_.impossible_s,
                     now_s + share(random_) * std::min(options_.large_s, options_.content_s)};
  }
  return found->second;
}

double Jobs::later(double seconds, double now_s) {
  return now_s + seconds * std::uniform_real_distribution<double>(0.9, 1.1)(random_);
}

}  // namespace mirror::probe
