#include "db/merge/staging.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace mirror::db {
namespace {

constexpr std::size_t kChunkBytes = (1 << 20) - 8192;  // a row more still fits into 1 MiB
constexpr std::size_t kHashBits = std::size_t{1} << 24;
// Far enough for every date that is one; keeps SQL arithmetic with times from overflowing.
constexpr std::int64_t kMaxTime = std::int64_t{1} << 50;

template <typename Int>
void append_int(std::string& out, Int value) {
  for (int shift = (sizeof(Int) - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift));
}

}  // namespace

void CopyWriter::row(std::int16_t fields) {
  if (buffer_.size() >= kChunkBytes) next_chunk();
  if (buffer_.empty()) buffer_.reserve(1 << 20);  // memory that is not written to costs nothing
  append_int(buffer_, fields);
}

void CopyWriter::int8(std::int64_t value) {
  append_int<std::int32_t>(buffer_, 8);
  append_int(buffer_, value);
}

void CopyWriter::boolean(bool value) {
  append_int<std::int32_t>(buffer_, 1);
  buffer_.push_back(value ? 1 : 0);
}

void CopyWriter::bytes(std::string_view value) {
  append_int<std::int32_t>(buffer_, static_cast<std::int32_t>(value.size()));
  buffer_ += value;
}

void CopyWriter::null() { append_int<std::int32_t>(buffer_, -1); }

// The oldest ones are sent as others come, so that there is never much to wait for.
void CopyWriter::next_chunk() {
  if (hold_bytes_ == 0) return flush();
  held_.push_back(std::exchange(buffer_, {}));
  while (held_.size() * kChunkBytes > hold_bytes_) {
    send(held_.front());
    held_.pop_front();
  }
}

void CopyWriter::flush() {
  for (; !held_.empty(); held_.pop_front()) send(held_.front());
  if (!buffer_.empty()) send(buffer_);
  buffer_.clear();
}

void CopyWriter::send(std::string_view rows) {
  static constexpr std::string_view kHeader("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
  static constexpr std::string_view kTrailer("\377\377", 2);
  connection_.copy_begin(copy_sql_);
  connection_.copy_data(kHeader);
  connection_.copy_data(rows);
  connection_.copy_data(kTrailer);
  connection_.copy_end();
}

StagedListing::StagedListing(Connection& connection, std::size_t hold_bytes)
    : connection_(connection),
      table_(connection, {{"merge_listing",
                           "seq bigint, size bigint, mtime bigint, ctime_ns bigint, kind \"char\", "
                           "staged boolean, again "
                           "boolean, path bytea, target bytea"}}),
      writer_(connection,
              "COPY merge_listing (path, kind, size, mtime, staged, seq, again, ctime_ns) FROM "
              "STDIN (FORMAT "
              "binary)"),
      met_(kHashBits) {
  writer_.hold(hold_bytes);
}

bool StagedListing::met_before(std::string_view path) {
  const std::size_t bit = std::hash<std::string_view>()(path) % kHashBits;
  const bool before = met_[bit];
  met_[bit] = true;
  return before;
}

void StagedListing::add(std::string_view path, char kind, std::int64_t size_bytes,
                        std::int64_t mtime_s, bool staged, std::optional<std::int64_t> ctime_ns,
                        std::string_view link_text) {
  Fingerprint entry;
  entry.text(path);
  for (const std::int64_t number :
       {static_cast<std::int64_t>(kind), size_bytes, mtime_s, std::int64_t{staged}}) {
    entry.number(number);
  }
  if (!link_text.empty()) entry.text(link_text);
  note(entry);
  if (size_bytes < 0) ++absent_;
  const bool again = met_before(path);
  duplicates_ = duplicates_ || again;
  writer_.row(8);
  writer_.bytes(path);
  writer_.bytes({&kind, 1});
  writer_.int8(size_bytes);
  writer_.int8(std::clamp(mtime_s, -kMaxTime, kMaxTime));
  writer_.boolean(staged);
  writer_.int8(++seen_);
  writer_.boolean(again);
  ctime_ns ? writer_.int8(*ctime_ns) : writer_.null();
}

void StagedListing::note(const Fingerprint& entry) {
  in_order_.add_next(entry);
  in_any_order_.add_in_any_order(entry);
}

// '0' follows '/'.
void StagedListing::add_unknown_below(std::string_view folder) {
  add_unknown_range(std::string(folder) + '/', std::string(folder) + char('/' + 1));
}

void StagedListing::add_unknown(std::string_view path) {
  add_unknown_range(std::string(path), std::string(path) + '\0');
}

void StagedListing::add_unknown_range(std::string first, std::string behind) {
  Fingerprint entry;
  entry.text(first);
  entry.number('u');
  note(entry);
  unknown_first_.push_back(std::move(first));
  unknown_behind_.push_back(std::move(behind));
}

// Also files that the mirror does not have: it may get one at any time, since single files are
// looked at beside a scan.
void StagedListing::stage_unknown() {
  if (unknown_first_.empty()) return;
  connection_.run(
      "INSERT INTO merge_listing (path, kind, size, mtime, staged, seq, again) SELECT DISTINCT "
      "f.path, 'u'::\"char\", -1, 0, false, 0, false FROM unnest($1::bytea[], $2::bytea[]) u "
      "(first, behind) JOIN file f ON f.path >= u.first AND f.path < u.behind WHERE NOT EXISTS "
      "(SELECT FROM merge_listing l WHERE l.path = f.path)",
      Params().bytes_array(unknown_first_).bytes_array(unknown_behind_));
}

std::string StagedListing::fingerprint(std::int64_t basis, bool in_any_order) const {
  Fingerprint all = in_any_order ? in_any_order_ : in_order_;
  all.number(basis);
  all.number(seen_);
  return all.bytes();
}

void StagedListing::finish() {
  writer_.flush();
  stage_unknown();
  connection_.script("ANALYZE merge_listing");
  rows_ = seen_;
  if (!duplicates_) return;
  rows_ -= connection_
               .run(
                   "DELETE FROM merge_listing old USING merge_listing new "
                   "WHERE new.again AND new.path = old.path AND new.seq > old.seq")
               .affected();
}

void StagedListing::drop(const std::vector<std::int64_t>& file_ids) {
  if (file_ids.empty()) return;
  rows_ -= connection_
               .run(
                   "DELETE FROM merge_listing l USING file f WHERE f.id = ANY ($1) AND l.path = "
                   "f.path",
                   Params().int8_array(file_ids))
               .affected();
}

void StagedListing::add_taken(const TakenForListed& taken, MirrorId mirror, std::int64_t offset_s) {
  Params params = Params().int2(mirror).int8(taken.after).int8(taken.upto).int8(offset_s);
  if (taken.folder.empty())
    params.null().null();
  else
    params.bytes(taken.folder + '/').bytes(taken.folder + char('/' + 1));
  rows_ += connection_
               .run(
                   "INSERT INTO merge_listing (path, kind, size, mtime, staged, seq, again) SELECT "
                   "f.path, 'f', f.size, f.mtime + $4, false, 0, false FROM file f LEFT JOIN "
                   "(SELECT id, true AS listed FROM cohort WHERE $1 = ANY (mirrors) OFFSET 0) c ON "
                   "c.id = f.cohort_id WHERE f.kind = 'f' AND f.gone_at IS NULL AND NOT f.staged "
                   "AND NOT f.pending AND CASE WHEN c.listed THEN f.earlier_sizes IS NOT NULL ELSE "
                   "f.earlier_sizes IS NULL AND f.version_rev > $2 AND f.version_rev <= $3 END AND "
                   "($5::bytea IS NULL OR f.path > $5 AND f.path < "
                   "$6) AND NOT EXISTS (SELECT FROM merge_listing l WHERE l.path = f.path)",
                   params)
               .affected();
  connection_.script("ANALYZE merge_listing");
}

void StagedListing::drop_gained() {
  rows_ -= connection_
               .run(
                   "DELETE FROM merge_listing l USING file f, merge_changed m WHERE m.file_id = "
                   "f.id AND NOT m.listed AND l.path = f.path")
               .affected();
}

}  // namespace mirror::db
