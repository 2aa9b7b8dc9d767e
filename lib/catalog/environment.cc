#include "catalog/environment.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "catalog/codec.h"
#include "catalog/crashes.h"
#include "catalog/error.h"
#include "catalog/reader.h"

namespace mirror::catalog {
namespace {

constexpr unsigned kTables = 6;
constexpr mdb_mode_t kMode = 0640;

unsigned flags_of(Open how) {
  const unsigned common = MDB_NOSUBDIR | MDB_NOTLS;
  switch (how) {
    case Open::read:
      return common | MDB_RDONLY;
    case Open::create:
      return common | MDB_NOSYNC;
    case Open::serve:
      break;
  }
  return common;
}

}  // namespace

Cursor open_cursor(MDB_txn* txn, MDB_dbi table) {
  MDB_cursor* cursor = nullptr;
  check(mdb_cursor_open(txn, table, &cursor), "a catalog cursor");
  return Cursor(cursor);
}

std::shared_ptr<Environment> Environment::open(const std::string& file, Open how,
                                               const Access& access) {
  return std::shared_ptr<Environment>(new Environment(file, how, access));
}

namespace {

Error no_address_space(const std::string& file, const Access& access) {
  return Error(fmt::format("{}: cannot map {} MB of address space; lower MirrorCatalogMaxSize, or "
                           "raise the limit on address space (ulimit -v, LimitAS=)",
                           file, access.max_bytes >> 20),
               ENOMEM);
}

}  // namespace

Environment::Environment(std::string file, Open how, const Access& access)
    : file_(std::move(file)) {
  const InUse in_use(file_);
  if (how != Open::create) {
    check_exists();
    check_crashes();
  }
  int opened = try_open(flags_of(how), access);
  // On such a disk nobody can write, so no lock is needed. A tool that only lacks the right to take
  // a reader's slot is another case: pages that it reads could be overwritten meanwhile.
  if (opened == EROFS || (opened == EACCES && how == Open::serve)) {
    opened = try_open(flags_of(Open::read) | MDB_NOLOCK, access);
  }
  if (opened == ENOMEM) throw no_address_space(file_, access);
  check(opened, file_);
  note_lock_file();
  if (how != Open::create) check_length();
  open_tables(how);
}

// On a new handle: a handle that could not be opened can only be closed.
int Environment::try_open(unsigned flags, const Access& access) {
  MDB_env* env = nullptr;
  check(mdb_env_create(&env), file_);
  env_.reset(env);
  check(mdb_env_set_maxdbs(env, kTables), file_);
  check(mdb_env_set_mapsize(env, access.max_bytes), file_);
  check(mdb_env_set_maxreaders(env, access.max_readers), file_);
  return mdb_env_open(env, file_.c_str(), flags, kMode);
}

void Environment::note_lock_file() {
  unsigned flags = 0;
  check(mdb_env_get_flags(env_.get(), &flags), file_);
  if ((flags & MDB_NOLOCK) == 0) lock_file_ = file_id(lock_name());
}

bool Environment::in_place() const {
  int fd = -1;
  check(mdb_env_get_fd(env_.get(), &fd), file_);
  return file_id(file_) == file_id(fd) && (!lock_file_ || file_id(lock_name()) == lock_file_);
}

Environment::~Environment() { idle_.clear(); }

// LMDB would make a new one of a file that is missing or empty.
void Environment::check_exists() const {
  struct stat file;
  if (::stat(file_.c_str(), &file) != 0 || ::access(file_.c_str(), R_OK) != 0)
    throw Error(file_, errno);
  if (file.st_size == 0) throw Error(file_ + " is not a catalog", MDB_INVALID);
}

void Environment::check_crashes() const {
  const unsigned crashes = crashes_of(file_);
  if (crashes < kTooManyCrashes) return;
  throw Error(fmt::format("{}: {} processes crashed while they used it", file_, crashes), kCrashes);
}

// Reading pages that the file does not have would end the process.
void Environment::check_length() const {
  MDB_envinfo info;
  MDB_stat pages;
  struct stat file;
  check(mdb_env_info(env_.get(), &info), file_);
  check(mdb_env_stat(env_.get(), &pages), file_);
  if (::stat(file_.c_str(), &file) != 0) throw Error(file_, errno);
  if (static_cast<std::size_t>(file.st_size) < (info.me_last_pgno + 1) * pages.ms_psize)
    throw Error(file_ + " is cut off", MDB_CORRUPTED);
}

void Environment::open_tables(Open how) {
  const bool create = how == Open::create;
  TransactionHandle txn = begin(create);
  const auto open = [&](const char* name, unsigned flags, MDB_dbi& table) {
    const int opened = mdb_dbi_open(txn.get(), name, flags | (create ? MDB_CREATE : 0), &table);
    check(opened == MDB_NOTFOUND ? MDB_INVALID : opened, file_ + " is not a catalog");
  };
  open("files", 0, files_);
  open("links", 0, links_);
  open("cohorts", MDB_INTEGERKEY, cohorts_);
  open("hashes", 0, hashes_);
  open("groups", 0, groups_);
  open("texts", 0, texts_);
  has_slots_ = create || size().readers > 0;  // this transaction has one
  check(mdb_txn_commit(txn.release()), file_);
}

TransactionHandle Environment::begin(bool writes) const {
  const InUse in_use(file_);
  MDB_txn* txn = nullptr;
  check(mdb_txn_begin(env_.get(), nullptr, writes ? 0 : MDB_RDONLY, &txn), file_);
  return TransactionHandle(txn);
}

std::size_t Environment::last_state() const {
  MDB_envinfo info;
  check(mdb_env_info(env_.get(), &info), file_);
  return info.me_last_txnid;
}

void Environment::check_undisturbed(std::size_t state) const {
  if (has_slots_ || last_state() == state) return;
  throw Error(
      file_ +
          " was written while it was read, and this disk is read-only: do it where httpd writes",
      EBUSY);
}

std::optional<std::string_view> Environment::get(MDB_txn* txn, MDB_dbi table,
                                                 std::string_view key) const {
  MDB_val name = bytes_of(key), data;
  const int found = mdb_get(txn, table, &name, &data);
  if (found == MDB_NOTFOUND) return std::nullopt;
  check(found, file_);
  return view(data);
}

std::unique_ptr<Reader> Environment::take_reader() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
  }
  return std::make_unique<Reader>(*this);
}

void Environment::give_back(std::unique_ptr<Reader> reader) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
  } catch (const std::bad_alloc&) {
    // This one's slot is freed with it.
  }
}

int Environment::free_stale_readers() {
  int dead = 0;
  check(mdb_reader_check(env_.get(), &dead), file_);
  return dead;
}

// LMDB takes a write that came out short, as the last one on a full disk does, for EIO.
void Environment::check_write(int code) const {
  struct statvfs disk;
  if (code == EIO && ::statvfs(file_.c_str(), &disk) == 0 && disk.f_bavail == 0) code = ENOSPC;
  check(code, file_);
}

void Environment::sync() { check_write(mdb_env_sync(env_.get(), 1)); }

void Environment::copy_to(const std::string& file) const {
  const InUse in_use(file_);
  const std::size_t state = last_state();
  check(mdb_env_copy2(env_.get(), file.c_str(), MDB_CP_COMPACT),
        "cannot copy " + file_ + " to " + file);
  check_undisturbed(state);
}

Environment::Size Environment::size() const {
  MDB_envinfo info;
  MDB_stat pages;
  check(mdb_env_info(env_.get(), &info), file_);
  check(mdb_env_stat(env_.get(), &pages), file_);
  return {(info.me_last_pgno + 1) * pages.ms_psize, info.me_mapsize, info.me_numreaders,
          info.me_maxreaders};
}

std::shared_ptr<const MirrorTable> Environment::mirrors(std::int64_t count, std::int64_t rev,
                                                        std::string_view text,
                                                        std::string_view rules_text,
                                                        std::string_view pause_text) {
  const std::lock_guard lock(mutex_);
  if (mirrors_ == nullptr || mirrors_count_ != count) {
    auto decoded = decode_mirrors(text);
    auto rules = decode_rules(rules_text);
    std::optional<Pause> pause;
    if (!decoded || !rules || !decode_pause(pause_text, pause))
      throw Error(file_ + ": its mirrors cannot be read", MDB_CORRUPTED);
    mirrors_ = std::make_shared<const MirrorTable>(rev, *std::move(decoded), *std::move(rules),
                                                   std::move(pause));
    mirrors_count_ = count;
  }
  return mirrors_;
}

}  // namespace mirror::catalog
