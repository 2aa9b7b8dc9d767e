// What a listing brings, on its way into a temporary table: rows in COPY's binary format, sent at
// most 1 MiB at a time, each chunk a statement of its own so that a listing of hours keeps no
// transaction open. Belongs to one thread and one Connection, which must outlive it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/merge/fingerprint.h"
#include "db/merge/scan.h"
#include "db/merge/temp_tables.h"
#include "pg/connection.h"

namespace mirror::db {

class CopyWriter {
 public:
  CopyWriter(Connection& connection, std::string copy_sql)
      : connection_(connection), copy_sql_(std::move(copy_sql)) {}
  // Opens a row; exactly `fields` values must follow. What is buffered is sent first when it is
  // enough.
  void row(std::int16_t fields);
  void int8(std::int64_t value);
  void boolean(bool value);
  void bytes(std::string_view value);  // bytea, text and "char"
  void null();
  void flush();  // sends what is buffered
  // Before the first row: about so much, the newest, is kept here until flush(), in case it need
  // not be sent.
  void hold(std::size_t bytes) { hold_bytes_ = bytes; }

 private:
  void next_chunk();
  void send(std::string_view rows);
  Connection& connection_;
  std::string copy_sql_;
  std::string buffer_;
  std::deque<std::string> held_;  // full chunks
  std::size_t hold_bytes_ = 0;
};

// Of a tree that was listed before so much of the next listing is held back until it is clear
// whether it says anything new.
inline constexpr std::size_t kHeldBytes = 16 << 20;

// Owns the temporary table merge_listing(path, kind, size, mtime, ctime_ns, staged, target, seq,
// again); who is passed the object may read the table, and write to it where it is not const.
class StagedListing {
 public:
  explicit StagedListing(Connection&, std::size_t hold_bytes = 0);  // CopyWriter::hold

  // `kind` is file.kind's letter, or 'd'. `link_text` is not staged, but tells listings apart.
  void add(std::string_view path, char kind, std::int64_t size_bytes, std::int64_t mtime_s,
           bool staged, std::optional<std::int64_t> ctime_ns = std::nullopt,
           std::string_view link_text = {});
  // That the listing tells nothing of what is below a folder: the source's files there get rows of
  // the kind 'u' (unknown) in finish(), which are counted nowhere. Listed files have none.
  void add_unknown_below(std::string_view folder);
  // The same of one file.
  void add_unknown(std::string_view path);
  // Of all entries so far, without their ctime_ns, and of `basis`: what else a comparison depends
  // on. `in_any_order`: the same for another order, for listings that have each path once.
  std::string fingerprint(std::int64_t basis, bool in_any_order) const;
  // Sends the rest, lets the last entry of a path win, and tells the planner what is there.
  void finish();
  // As if these files, by the ids of table file, had not been listed. After finish().
  void drop(const std::vector<std::int64_t>& file_ids);
  // The same with all files that the mirror would gain, as merge_changed has them.
  void drop_gained();
  // As if these of the source's files had been listed too, `offset_s` being by how much the
  // mirror's times are ahead. After finish().
  void add_taken(const TakenForListed& taken, MirrorId mirror, std::int64_t offset_s);
  std::int64_t seen() const { return seen_ - absent_; }  // calls of add for what is there
  std::int64_t rows() const { return rows_; }            // distinct paths, after finish()
  std::int64_t absent() const { return absent_; }  // entries that say that the file is not there

 private:
  bool met_before(std::string_view path);
  void note(const Fingerprint& entry);
  void add_unknown_range(std::string first, std::string behind);
  void stage_unknown();
  Connection& connection_;
  TempTables table_;
  CopyWriter writer_;
  Fingerprint in_order_, in_any_order_;
  std::vector<bool>
      met_;  // hashes of paths: tells duplicates apart from nearly all others in little memory
  // Ranges of paths: their first ones, and those behind them.
  std::vector<std::string> unknown_first_, unknown_behind_;
  bool duplicates_ = false;
  std::int64_t seen_ = 0, absent_ = 0;
  std::int64_t rows_ = 0;
};

}  // namespace mirror::db
