#include "feed/mirror_follower.h"

#include <fmt/format.h>

#include <ctime>

#include "catalog/error.h"
#include "db/feed.h"
#include "db/schema.h"
#include "db/session.h"
#include "feed/pull.h"

namespace mirror {
namespace {

constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::milliseconds kConnectPause{1000};

}  // namespace

MirrorFollower::MirrorFollower(const FeedOptions& options, catalog::Catalog& catalog, Log log)
    : options_(options),
      catalog_(catalog),
      log_(std::move(log)),
      thread_([this]() noexcept { run(); }) {}

MirrorFollower::~MirrorFollower() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void MirrorFollower::run() noexcept {
  while (!stopping_) {
    step();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kLook, [&] { return stopping_.load(); });
  }
  connection_.reset();
}

void MirrorFollower::say(LogLevel level, LogId id, const std::string& line, LogPlace place) {
  log_(level, id, "MirrorCatalog " + catalog_.directory().path() + ": " + line, place);
}

// That the database cannot be reached at all the Feed says, whose contact ends then.
bool MirrorFollower::feed_has_contact() const {
  const std::chrono::seconds age(std::time(nullptr) - catalog_.directory().contact_s());
  return age < options_.complain_after;
}

void MirrorFollower::failed(const std::string& fault) noexcept {
  const bool reached = connection_ != nullptr;
  connection_.reset();
  next_connect_ = Steady::now() + kConnectPause;
  if (fault_said_ || stopping_) return;
  if (Steady::now() - contact_at_ < options_.complain_after) return;
  try {
    if (!reached && !feed_has_contact()) return;
    fault_said_ = true;
    say(LogLevel::error, LogId(311),
        fmt::format("cannot follow changes of the mirrors of {}: {}", options_.name, fault));
  } catch (...) {
  }
}

void MirrorFollower::succeeded(const std::string& unreadable) {
  contact_at_ = Steady::now();
  fresh_connection_ = false;
  if (fault_said_)
    say(LogLevel::notice, LogId(312),
        "follows changes of the mirrors of " + options_.name + " again");
  fault_said_ = false;
  if (!unreadable.empty() && unreadable != unreadable_said_)
    say(LogLevel::error, LogId(314), unreadable);
  unreadable_said_ = unreadable;
}

void MirrorFollower::step() noexcept {
  try {
    follow();
  } catch (const std::exception& error) {
    failed(error.what());
  }
}

void MirrorFollower::connect() {
  auto connection = std::make_unique<db::Connection>(
      db::open_session(options_.conninfo, {.program = "mod_mirror mirrors",
                                           .connect_timeout = options_.timeout,
                                           .patience = options_.timeout,
                                           .stop = &stopping_}));
  listens_ = db::listen_for_news(*connection);
  connection_ = std::move(connection);
  fresh_connection_ = true;
  known_file_.clear();
}

// Until there is a catalog its first load brings the mirrors, and no connection is needed.
void MirrorFollower::follow() {
  const auto environment = catalog_.environment();
  if (environment == nullptr || catalog_.unusable()) return;
  // Also of a pause that was there before the database went down.
  if (environment->file() != told_file_) tell_pause(environment);
  if (!connection_) {
    if (Steady::now() < next_connect_) return;
    connect();
  }
  const bool called = db::had_news(*connection_), other_file = environment->file() != known_file_;
  if (!called && !other_file && Steady::now() < next_poll_) return;
  next_poll_ = Steady::now() + options_.poll_of(listens_);
  db::require_schema(*connection_);  // each time: it may have been migrated under us
  try {
    pull(environment);
  } catch (const catalog::Error& error) {
    if (error.corrupt()) catalog_.give_up(environment);  // the Feed makes a new one
    throw;
  }
}

// A catalog of another database, or of an older state of this one, or of one region alone, the Feed
// replaces; the mirrors of now do not belong into it.
bool MirrorFollower::knows(const catalog::Meta& meta, const std::string& file) {
  if (!meta.complete || meta.region != Region::unknown) return false;
  if (file == known_file_) return true;
  if (meta.rev > 0 && !db::knows_revision(*connection_, meta.rev, meta.token)) return false;
  known_file_ = file;
  return true;
}

// What is wrong with a catalog that cannot be read, pull() finds and others say.
std::shared_ptr<const MirrorTable> MirrorFollower::known_mirrors(
    const std::shared_ptr<catalog::Environment>& environment) {
  try {
    return catalog::Snapshot(environment)->mirrors();
  } catch (const catalog::Error&) {
    return nullptr;
  }
}

void MirrorFollower::tell_pause(const std::shared_ptr<catalog::Environment>& environment) {
  told_file_ = environment->file();
  const auto mirrors = known_mirrors(environment);
  if (mirrors == nullptr || mirrors->pause() == pause_said_) return;
  pause_said_ = mirrors->pause();
  if (pause_said_)
    say(LogLevel::warning, LogId(315),
        fmt::format("redirects are paused {}; until `mb resume` nobody is sent to a mirror",
                    pause_said_->text()));
  else
    say(LogLevel::notice, LogId(316), "redirects are no longer paused");
}

void MirrorFollower::pull(const std::shared_ptr<catalog::Environment>& environment) {
  db::UnreadableRows unreadable;
  if (!knows(catalog::Snapshot(environment)->meta(), environment->file())) return;
  const bool read = pull_mirrors(*connection_, *environment, fresh_connection_, unreadable);
  succeeded(read ? unreadable.text() : unreadable_said_);
  if (read) tell_pause(environment);
}

}  // namespace mirror
