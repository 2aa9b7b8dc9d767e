#include "feed/feed.h"

#include <fmt/format.h>

#include <algorithm>

#include "catalog/error.h"
#include "db/feed.h"
#include "db/redirectors.h"
#include "db/schema.h"
#include "db/session.h"
#include "feed/pull.h"
#include "os/file_id.h"

namespace mirror {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kLook{100};       // for news, and for a new file
constexpr milliseconds kLockEvery{500};  // whether the writer has gone
constexpr milliseconds kConnectPause{1000};
constexpr milliseconds kFaultPause{5000};  // of writing, after the disk was full, say
constexpr milliseconds kLongestFaultPause{60'000};
constexpr milliseconds kLoadPause{2000};  // when what was made is no good either
constexpr seconds kReaderCheck{60};
constexpr seconds kNoteEvery{60};  // in the database, how far this catalog is

std::string fault_text(const std::exception& error, const std::string& database) {
  const auto* failed = dynamic_cast<const db::Error*>(&error);
  if (failed == nullptr || !db::locked(*failed)) return error.what();
  return fmt::format(
      "another session has locked the tables of files in {} for {} seconds: until it ends, httpd "
      "cannot follow changes of files, only changes of mirrors",
      database, db::kMaxLockWait.count());
}

}  // namespace

Feed::Feed(FeedOptions options, catalog::Catalog& catalog, const std::atomic<bool>& stop, Log log)
    : options_(std::move(options)),
      catalog_(catalog),
      stop_(stop),
      log_(std::move(log)),
      contact_at_(Steady::now()),
      fault_pause_(kFaultPause / 2) {}

Feed::~Feed() = default;

void Feed::say(LogLevel level, LogId id, const std::string& line, LogPlace place) {
  log_(level, id, "MirrorCatalog " + catalog_.directory().path() + ": " + line, place);
}

void Feed::say_fault(const std::string& fault) {
  if (options_.tell_fault) options_.tell_fault(fault);
  if (fault == fault_) return;
  fault_ = fault;
  say(LogLevel::error, LogId(304), fault);
}

void Feed::recovered() {
  if (!fault_.empty()) say(LogLevel::notice, LogId(305), "works again");
  end_fault();
  fault_pause_ = kFaultPause / 2;
}

void Feed::end_fault() {
  if (!fault_.empty() && options_.tell_fault) options_.tell_fault("");
  fault_.clear();
}

void Feed::step_down() noexcept {
  mirrors_.reset();  // before the lock: it writes
  connection_.reset();
  lock_.reset();
  try {
    end_fault();
  } catch (...) {
  }
}

void Feed::look() noexcept {
  try {
    catalog_.refresh();
  } catch (const std::exception&) {
    // Those that write say it.
  }
}

milliseconds Feed::step() noexcept {
  try {
    watch();
  } catch (const db::ConnectionError& error) {
    connection_.reset();
    next_connect_ = Steady::now() + kConnectPause;
    if (!away_said_ && Steady::now() - contact_at_ >= options_.complain_after) {
      away_said_ = true;
      try {
        say(LogLevel::error, LogId(306),
            fmt::format(
                "{} has not answered for {} seconds: {}; redirects go on with the catalog as it is",
                options_.name,
                std::chrono::duration_cast<seconds>(Steady::now() - contact_at_).count(),
                error.what()));
      } catch (...) {
      }
    }
  } catch (const std::exception& error) {
    connection_.reset();
    try {
      say_fault(fault_text(error, options_.name));
    } catch (...) {
    }
    fault_pause_ = std::min(2 * fault_pause_, kLongestFaultPause);
    next_try_ = Steady::now() + fault_pause_;
  }
  return kLook;
}

void Feed::begin() noexcept {
  try {
    refresh();
  } catch (...) {
    // What can be said about it is said by step().
  }
}

bool Feed::refresh() {
  try {
    catalog_.refresh();
    return !catalog_.unusable();
  } catch (const catalog::Error& error) {
    std::string fault = error.what();
    if (catalog_.unusable())
      fault += options_.conninfo.empty() ? "; it is no longer used, import a catalog again"
                                         : "; a new one is made";
    say_fault(fault);
    return false;
  }
}

void Feed::watch() {
  if (lock_ && Steady::now() >= next_try_) keep_in_place();  // before this process follows CURRENT
  const bool well = refresh();
  if (options_.conninfo.empty()) {
    if (well) recovered();
    return;
  }
  const auto now = Steady::now();
  if (now < next_try_ || !take_lock(well)) return;
  if (const auto environment = catalog_.environment(); environment && now >= next_sweep_) {
    environment->free_stale_readers();
    next_sweep_ = now + kReaderCheck;
  }
  if (!mirrors_) mirrors_ = std::make_unique<MirrorFollower>(options_, catalog_, log_);
  if (!connection_ && now < next_connect_) return;
  follow();
}

bool Feed::take_lock(bool well) {
  if (lock_) return true;
  if (Steady::now() < next_lock_) return false;
  next_lock_ = Steady::now() + kLockEvery;
  lock_ = catalog_.directory().try_lock(options_.name);
  if (lock_) {
    catalog_.directory().remove_others();
    refresh();  // the writer before may have put another file in force just now
    return true;
  }
  const std::string writer = catalog_.directory().writer();
  if (writer.empty() || writer == options_.name) {
    if (well) recovered();
    return false;
  }
  say_fault(fmt::format(
      "another httpd keeps the catalog of {} in this directory: give each database a directory of "
      "its own; until then requests "
      "for {} go to the database",
      writer, options_.name));
  next_lock_ = Steady::now() + kFaultPause;
  return false;
}

// A process that opens the catalog later follows its names. If another process has put another file
// into use, that is followed and not undone.
void Feed::keep_in_place() {
  const catalog::Directory& directory = catalog_.directory();
  if (!lock_->in_place()) {
    say_made_again("the lock file", "");
    mirrors_.reset();
    lock_.reset();
    next_lock_ = {};
    return;
  }
  const auto environment = catalog_.environment();
  if (environment == nullptr) return;
  const std::optional<std::string> named = directory.current();
  const bool found = named && file_id(*named);
  if (found && *named != environment->file()) return;
  if (!environment->in_place()) return copy_open_file(*environment);
  if (found) return;
  directory.publish(environment->file());
  make_anew_ = true;
  say_made_again("CURRENT", "; a new catalog will follow");
}

void Feed::say_made_again(const std::string& what, const std::string& how) {
  say(LogLevel::warning, LogId(313), what + " was deleted or replaced and is made again" + how);
}

void Feed::copy_open_file(const catalog::Environment& environment) {
  const catalog::Directory& directory = catalog_.directory();
  const std::string file = directory.unused_file(environment.file());
  catalog::Unfinished unfinished(file);
  environment.copy_to(file);
  catalog::Environment::open(file, catalog::Open::serve, catalog_.access())->sync();
  directory.publish(file);
  unfinished.finish();
  say_made_again(environment.file(), " as " + file);
}

void Feed::connect() {
  auto connection = std::make_unique<db::Connection>(
      db::open_session(options_.conninfo, {.program = "mod_mirror feed",
                                           .connect_timeout = options_.timeout,
                                           .patience = options_.timeout,
                                           .stop = &stop_}));
  listens_ = db::listen_for_news(*connection);
  connection_ = std::move(connection);
  fresh_connection_ = true;
}

void Feed::follow() {
  if (!connection_) connect();
  const bool called = db::had_news(*connection_);
  if (catalog_.environment() == nullptr || make_anew_) {
    if (Steady::now() < next_load_) return;
  } else if (!fresh_connection_ && !called && Steady::now() < next_poll_) {
    return;
  }
  next_poll_ = Steady::now() + options_.poll_of(listens_);
  connection_->set_patience(options_.timeout);
  db::require_schema(*connection_);  // each time: it may have been migrated under us
  bring_up_to_date();
  if (stop_) return;  // perhaps in the middle
  fresh_connection_ = false;
  catalog_.directory().note_contact();
  contact_at_ = Steady::now();
  tell_database();
  if (away_said_) say(LogLevel::notice, LogId(307), options_.name + " answers again");
  away_said_ = false;
  recovered();
}

void Feed::tell_database() noexcept {
  if (Steady::now() < next_note_) return;
  next_note_ = Steady::now() + kNoteEvery;
  try {
    const std::int64_t rev = catalog::Snapshot(catalog_.environment())->meta().rev;
    connection_->set_patience(options_.timeout);
    db::note_redirector(
        *connection_, catalog_.directory().path(), rev,
        options_.take_demand ? options_.take_demand() : std::vector<db::AskedFile>());
  } catch (const std::exception&) {
    // `mb status` shows that the redirector is silent. The next look notices a broken connection.
  }
}

void Feed::bring_up_to_date() {
  const auto environment = catalog_.environment();
  if (environment == nullptr || catalog_.unusable() || make_anew_) return load();
  try {
    pull(environment);
  } catch (const catalog::Error& error) {
    if (error.corrupt()) catalog_.give_up(environment);  // the next step makes a new one
    throw;
  }
}

void Feed::pull(const std::shared_ptr<catalog::Environment>& environment) {
  const catalog::Meta meta = catalog::Snapshot(environment)->meta();
  if (!meta.complete || meta.hashes != options_.hashes || meta.region != Region::unknown)
    return load();
  if (same_state(db::feed_state(*connection_), meta)) return;
  if (meta.rev > 0 && !db::knows_revision(*connection_, meta.rev, meta.token)) {
    say(LogLevel::warning, LogId(308),
        fmt::format("{} does not know revision {} of this catalog: it is "
                    "another database, an older state of it, "
                    "or the catalog was not updated for long; a new catalog is made",
                    options_.name, meta.rev));
    return load();
  }
  connection_->set_patience(options_.patience);
  db::FeedSnapshot snapshot(*connection_);
  pull_changes(snapshot, *environment, stop_);
  say_unreadable(snapshot.unreadable());
}

void Feed::say_unreadable(const db::UnreadableRows& rows) {
  const std::string text = rows.text();
  if (!text.empty() && text != unreadable_said_) say(LogLevel::error, LogId(310), text);
  unreadable_said_ = text;
}

// The file is put into use when it is complete and safe on disk; until then no reader sees it.
void Feed::load() {
  next_load_ = Steady::now() + kLoadPause;
  connection_->set_patience(options_.patience);
  const auto started = Steady::now();
  const auto before = catalog_.environment();
  const std::string file =
      catalog_.directory().unused_file(before != nullptr ? before->file() : "");
  catalog::Unfinished unfinished(file);
  std::int64_t rev = 0;
  {
    const auto fresh = catalog::Environment::open(file, catalog::Open::create, catalog_.access());
    {
      db::FeedSnapshot snapshot(*connection_);
      if (!load_files(snapshot, *fresh, options_.hashes, stop_)) return;
      say_unreadable(snapshot.unreadable());
      rev = snapshot.state().rev;
    }
    db::UnreadableRows unreadable;
    complete_load(*connection_, *fresh, unreadable);
    say_unreadable(unreadable);
  }
  catalog_.directory().publish(file);
  unfinished.finish();
  make_anew_ = false;
  catalog_.refresh();
  say(LogLevel::notice, LogId(309),
      fmt::format("a new catalog of {} at revision {}, made in {} ms", options_.name, rev,
                  std::chrono::duration_cast<milliseconds>(Steady::now() - started).count()));
}

}  // namespace mirror
