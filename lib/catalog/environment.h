// One catalog file: an LMDB environment (file and file-lock), opened at most once per process,
// after the fork. Any number of threads read; one thread at a time writes, in one process of the
// host (Directory's lock).
#pragma once

#include <lmdb.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/file_id.h"
#include "rank/mirror_table.h"

namespace mirror::catalog {

inline constexpr std::size_t kDefaultMaxBytes = std::size_t{16} << 30;

struct Access {
  std::size_t max_bytes = kDefaultMaxBytes;  // of the file; address space only until it is filled
  unsigned max_readers = 1024;  // slots in the lock file; the first opener's number stays
};

enum class Open : std::uint8_t {
  read,    // for tools: changes nothing
  serve,   // read, and write when this process is the writer
  create,  // a new file, not safe on disk before sync(): for filling it
};

class Reader;

// A transaction that its destructor ends; one that writes is undone.
struct AbortTransaction {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};
using TransactionHandle = std::unique_ptr<MDB_txn, AbortTransaction>;

class Environment : public std::enable_shared_from_this<Environment> {
 public:
  // Throws Error, also for a file that is shorter than it says itself, or on which too many
  // processes crashed.
  static std::shared_ptr<Environment> open(const std::string& file, Open how, const Access& access);
  ~Environment();
  Environment(const Environment&) = delete;

  // A reader that is not in use, or a new one; goes back by give_back(). Throws Error.
  std::unique_ptr<Reader> take_reader();
  void give_back(std::unique_ptr<Reader> reader) noexcept;

  // A transaction; one that writes waits for another writer. Throws Error.
  TransactionHandle begin(bool writes) const;
  // A record, as the transaction sees it; nullopt when there is none. Throws Error.
  std::optional<std::string_view> get(MDB_txn* txn, MDB_dbi table, std::string_view key) const;

  // The number of the last commit's transaction.
  std::size_t last_state() const;
  // For what reads for long. Where no reader's slot can be taken, on a disk that is read-only here,
  // a writer elsewhere does not know of a reader and writes its pages anew: throws Error when there
  // were commits since the reader's state.
  void check_undisturbed(std::size_t state) const;

  // Frees the slots of processes that have ended; returns how many.
  int free_stale_readers();
  // As check(), for what writes.
  void check_write(int code) const;
  void sync();
  // Throws Error, with corrupt(), when too many processes crashed on it.
  void check_crashes() const;
  // Whether the file and its lock file have their names still. Where not, processes that open it
  // later do not find it, or are not kept from pages that are in use here.
  bool in_place() const;
  // A compact copy of the state at one moment into a new file. Throws Error.
  void copy_to(const std::string& file) const;

  struct Size {
    std::size_t used_bytes = 0, max_bytes = 0;
    unsigned readers = 0, max_readers = 0;
  };
  Size size() const;

  const std::string& file() const { return file_; }
  MDB_env* raw() const { return env_.get(); }
  MDB_dbi files() const { return files_; }
  MDB_dbi links() const { return links_; }
  MDB_dbi cohorts() const { return cohorts_; }
  MDB_dbi hashes() const { return hashes_; }
  MDB_dbi groups() const { return groups_; }
  MDB_dbi texts() const { return texts_; }  // "meta", "mirrors", "rules", "pause"

  // The mirrors of the state numbered `count`, decoded once for all readers.
  std::shared_ptr<const MirrorTable> mirrors(std::int64_t count, std::int64_t rev,
                                             std::string_view text, std::string_view rules,
                                             std::string_view pause);

 private:
  struct Close {
    void operator()(MDB_env* env) const { mdb_env_close(env); }
  };
  Environment(std::string file, Open how, const Access& access);
  int try_open(unsigned flags, const Access& access);
  void open_tables(Open how);
  void note_lock_file();
  std::string lock_name() const { return file_ + "-lock"; }  // as LMDB names it
  void check_exists() const;
  void check_length() const;

  const std::string file_;
  std::unique_ptr<MDB_env, Close> env_;
  std::optional<FileId> lock_file_;  // nullopt: opened without one
  bool has_slots_ = true;
  MDB_dbi files_ = 0, links_ = 0, cohorts_ = 0, hashes_ = 0, groups_ = 0, texts_ = 0;
  std::mutex mutex_;  // of what follows
  std::vector<std::unique_ptr<Reader>> idle_;
  std::shared_ptr<const MirrorTable> mirrors_;
  std::int64_t mirrors_count_ = -1;
};

struct CloseCursor {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
using Cursor = std::unique_ptr<MDB_cursor, CloseCursor>;
Cursor open_cursor(MDB_txn* txn, MDB_dbi table);  // throws Error

inline std::string_view view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}
inline MDB_val bytes_of(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

}  // namespace mirror::catalog
