#include "catalog/reader.h"

#include <cerrno>
#include <cstring>
#include <thread>

#include "catalog/error.h"
#include "core/links.h"
#include "core/path.h"

namespace mirror::catalog {
namespace {

constexpr int kLongNeighbours = 64;  // looked at below a folder whose own name is a long key

template <class Visit>
void each(MDB_txn* txn, MDB_dbi table, Visit visit) {
  const Cursor cursor = open_cursor(txn, table);
  MDB_val key, data;
  int found = mdb_cursor_get(cursor.get(), &key, &data, MDB_FIRST);
  while (found == 0 && visit(view(key), view(data)))
    found = mdb_cursor_get(cursor.get(), &key, &data, MDB_NEXT);
  if (found != MDB_NOTFOUND) check(found, "reading a catalog");
}

// The path that the record of a long one has; "" for others and damaged ones.
std::string_view path_in(std::string_view record, bool is_link) {
  if (is_link) {
    const auto link = decode_link(record);
    return link ? link->path : "";
  }
  const auto file = decode_file(record);
  return file ? file->path : "";
}

FeedFile feed_link(std::string_view key, const LinkRecord& record) {
  FeedFile link;
  link.path = record.path.empty() ? key : record.path;
  link.shown = true;
  link.link_target = std::string(record.target);
  link.gone_s = record.gone_s;
  return link;
}

}  // namespace

Reader::Reader(Environment& environment) : environment_(environment) {
  try {
    txn_ = environment_.begin(false);
  } catch (const Error& error) {
    if (error.code() != MDB_READERS_FULL || environment_.free_stale_readers() == 0) throw;
    txn_ = environment_.begin(false);
  }
  mdb_txn_reset(txn_.get());
}

void Reader::begin() {
  in_use_.emplace(environment_.file());
  try {
    const auto now = renew();
    if (mirrors_ != nullptr && now && now == seen_) return;
    read_texts();
    seen_ = now;
  } catch (...) {
    end();
    throw;
  }
}

// LMDB reads the number of the last state first and then its roots, which two commits in between
// replace by those of a later one: they are only surely of that number when it is still the last.
std::optional<std::size_t> Reader::renew() {
  constexpr int kTries = 5;  // each one meets a commit
  for (int tries = 1;; ++tries) {
    check(mdb_txn_renew(txn_.get()), environment_.file());
    const std::size_t number = mdb_txn_id(txn_.get());
    if (environment_.last_state() == number) return number;
    if (tries == kTries) return std::nullopt;
    mdb_txn_reset(txn_.get());
    std::this_thread::yield();
  }
}

void Reader::end() noexcept {
  mdb_txn_reset(txn_.get());
  in_use_.reset();
}

void Reader::read_texts() {
  const auto text = get(environment_.texts(), "meta");
  auto meta = text ? decode_meta(*text) : std::nullopt;
  if (!meta) throw Error(environment_.file() + " is not a catalog of this format", MDB_INVALID);
  meta_ = *std::move(meta);
  const auto mirrors = get(environment_.texts(), "mirrors");
  if (!mirrors && meta_.complete) damaged("mirror");
  // Those who wrote before there were rules and pauses wrote none.
  const auto rules = get(environment_.texts(), "rules"), pause = get(environment_.texts(), "pause");
  mirrors_ = environment_.mirrors(meta_.mirrors_count, meta_.mirrors_rev, mirrors.value_or("[]"),
                                  rules.value_or(R"({"immutable":[],"mutable":[]})"),
                                  pause.value_or("null"));
  has_links_ = count(environment_.links()) > 0;
  has_groups_ = groups() > 0;
}

void Reader::probe() {
  if (!get(environment_.texts(), "meta")) damaged("catalog");
  if (hides(environment_.files())) damaged("file");
  if (hides(environment_.links())) damaged("link");
  if (hides(environment_.cohorts())) damaged("cohort");
  if (hides(environment_.hashes())) damaged("hash");
}

bool Reader::hides(MDB_dbi table) const {
  if (count(table) == 0) return false;
  MDB_val key, data;
  const int found = mdb_cursor_get(open_cursor(txn_.get(), table).get(), &key, &data, MDB_FIRST);
  if (found != MDB_NOTFOUND) check(found, environment_.file());
  return found == MDB_NOTFOUND;
}

std::size_t Reader::count(MDB_dbi table) const {
  MDB_stat stat;
  check(mdb_stat(txn_.get(), table, &stat), environment_.file());
  return stat.ms_entries;
}

std::optional<std::string_view> Reader::get(MDB_dbi table, std::string_view key) const {
  return environment_.get(txn_.get(), table, key);
}

void Reader::damaged(const char* what) const { throw_damaged(environment_.file(), what); }

std::optional<FileRecord> Reader::file_record(std::string_view path) {
  if (path.empty()) return std::nullopt;
  const auto record = get(environment_.files(), key_of(path, key_room_));
  if (!record) return std::nullopt;
  auto file = decode_file(*record);
  if (!file) damaged("file");
  if (is_long(path) && file->path != path) return std::nullopt;
  return file;
}

std::optional<LinkRecord> Reader::link_record(std::string_view path) {
  if (!has_links_ || path.empty()) return std::nullopt;
  const auto record = get(environment_.links(), key_of(path, key_room_));
  if (!record) return std::nullopt;
  auto link = decode_link(*record);
  if (!link) damaged("link");
  if (is_long(path) && link->path != path) return std::nullopt;
  return link;
}

bool Reader::shown(const std::optional<std::int64_t>& gone_s, std::int64_t now_s) const {
  return !gone_s || static_cast<double>(*gone_s) + meta_.grace_s > static_cast<double>(now_s);
}

// The path with its first link prefix replaced by what it really is; nullopt when no prefix is a
// link.
std::optional<std::string> Reader::through_prefix(std::string_view path, std::int64_t now_s) {
  for (std::size_t slash = path.find('/'); has_links_ && slash != path.npos;
       slash = path.find('/', slash + 1)) {
    const auto link = link_record(path.substr(0, slash));
    if (link && shown(link->gone_s, now_s)) return below_link(link->target, path.substr(slash + 1));
  }
  return std::nullopt;
}

bool Reader::has_below(MDB_dbi table, const std::string& folder) {
  const Cursor cursor = open_cursor(txn_.get(), table);
  const std::string_view start = std::string_view(folder).substr(0, kKeyPrefix);
  MDB_val key = bytes_of(start), data;
  int found = mdb_cursor_get(cursor.get(), &key, &data, MDB_SET_RANGE);
  for (int looked = 0; found == 0 && looked < kLongNeighbours && view(key).starts_with(start);
       ++looked) {
    if (start.size() == folder.size() || view(key).starts_with(folder)) return true;
    // Keys of that many bytes in common may be long ones, whose records have the path.
    if (path_in(view(data), table == environment_.links()).starts_with(folder)) return true;
    found = mdb_cursor_get(cursor.get(), &key, &data, MDB_NEXT);
  }
  if (found != 0 && found != MDB_NOTFOUND) check(found, environment_.file());
  return false;
}

bool Reader::is_directory(const std::string& path) {
  if (path.empty()) return true;
  const std::string folder = path + '/';
  return has_below(environment_.files(), folder) ||
         (has_links_ && has_below(environment_.links(), folder));
}

void Reader::find(std::string_view requested, std::int64_t now_s, HashParts parts,
                  CatalogFile& found) {
  std::string path(requested);
  for (int links = 0; links <= kMaxLinks; ++links) {
    const auto record = file_record(path);
    if (record && shown(record->gone_s, now_s)) {
      found.found = Found::file;
      found.file.path = std::move(path);
      return fill(found, *record, parts);
    }
    const auto link = link_record(path);
    if (link && shown(link->gone_s, now_s)) {
      path = link->target;
    } else if (auto real = through_prefix(path, now_s)) {
      path = *std::move(real);
    } else {
      if (is_directory(path)) found.found = Found::directory;
      return;
    }
  }
}

std::optional<GroupRecord> Reader::group_record(std::string_view folder) {
  const auto record = get(environment_.groups(), group_key(folder, key_room_));
  if (!record) return std::nullopt;
  const auto group = decode_group(*record);
  if (!group) damaged("group");
  return group;
}

std::optional<MirrorSet> Reader::group(std::string_view folder) {
  const auto record = group_record(folder);
  return record ? std::optional(record->mirrors) : std::nullopt;
}

std::vector<FormerVersion> Reader::former_versions(std::string_view folder) {
  const auto record = group_record(folder);
  if (!record) return {};
  auto former = decode_former(record->former);
  if (!former) damaged("group");
  return *std::move(former);
}

// Of all anchors in the folder there are those of this one to be taken.
void Reader::take_former_versions(File& file) {
  if (!file.group || mirrors_->rules().alternates_s(file.path) <= 0) return;
  file.former = former_versions(*file.group);
  std::erase_if(file.former, [&](const FormerVersion& one) { return one.path != file.path; });
}

// The innermost.
std::optional<GroupView> Reader::group_around(std::string_view path) {
  while (!path.empty()) {
    path = parent_folder(path);
    if (const auto mirrors = group(path)) return GroupView{path, *mirrors};
  }
  return std::nullopt;
}

void Reader::fill(CatalogFile& found, const FileRecord& record, HashParts parts) {
  File& file = found.file;
  file.size_bytes = record.size_bytes;
  file.mtime_s = record.mtime_s;
  file.pending = record.pending;
  file.new_since_s = record.new_since_s;
  found.gone = record.gone_s.has_value();
  file.mirrors = cohort(record.cohort_id).value_or(CohortRecord()).mirrors;
  heed_group(file, mirrors_->rules(),
             has_groups_ && !found.gone ? group_around(file.path) : std::nullopt, found.room);
  if (file.origin_only && parts >= HashParts::pieces) take_former_versions(file);
  if (record.pending) return;  // what is known of its content is of an earlier look
  read_hashes(key_of(file.path, key_room_), record, parts, found.hashes);
  found.hashes_complete = meta_.hashes || parts == HashParts::redirect;
}

void Reader::read_hashes(std::string_view key, const FileRecord& record, HashParts parts,
                         FileHashes& hashes) const {
  hashes.sha256 = record.sha256;
  hashes.btih_exists = record.btih_exists;
  hashes.btih_v1_exists = record.btih_v1_exists;
  hashes.signature_kind = record.signature_kind;
  const auto text = meta_.hashes ? get(environment_.hashes(), key) : std::nullopt;
  if (text && !decode_hashes(*text, parts, hashes)) damaged("hash");
}

std::string_view Reader::zsync_sums(std::string_view path, std::string_view sha1) {
  const auto file = file_record(path);
  const auto record =
      file && !file->pending ? get(environment_.hashes(), key_of(path, key_room_)) : std::nullopt;
  if (!record) return "";
  FileHashes hashes;
  const auto sums = zsync_sums_in(*record);
  if (!sums || !decode_hashes(*record, HashParts::digests, hashes)) damaged("hash");
  return hashes.sha1 == sha1 ? *sums : "";
}

std::optional<CohortRecord> Reader::cohort(std::int64_t id) const {
  const auto record = get(environment_.cohorts(), cohort_key(id));
  if (!record) return std::nullopt;
  const auto cohort = decode_cohort(*record);
  if (!cohort) damaged("cohort");
  return cohort;
}

FeedFile Reader::feed_file(std::string_view key, const FileRecord& record) const {
  FeedFile file;
  file.path = record.path.empty() ? key : record.path;
  file.shown = true;
  file.size_bytes = record.size_bytes;
  file.mtime_s = record.mtime_s;
  file.cohort_id = record.cohort_id;
  file.gone_s = record.gone_s;
  file.new_since_s = record.new_since_s;
  file.pending = record.pending;
  read_hashes(key, record, HashParts::all, file.hashes);
  return file;
}

void Reader::each_file(const Visit& visit) {
  each(txn_.get(), environment_.files(), [&](std::string_view key, std::string_view text) {
    const auto record = decode_file(text);
    if (!record) damaged("file");
    return visit(feed_file(key, *record));
  });
}

void Reader::each_link(const Visit& visit) {
  each(txn_.get(), environment_.links(), [&](std::string_view key, std::string_view text) {
    const auto record = decode_link(text);
    if (!record) damaged("link");
    return visit(feed_link(key, *record));
  });
}

void Reader::each_cohort(const std::function<bool(std::int64_t, const CohortRecord&)>& visit) {
  each(txn_.get(), environment_.cohorts(), [&](std::string_view key, std::string_view record) {
    std::int64_t id = 0;
    const auto cohort = decode_cohort(record);
    if (key.size() != sizeof id || !cohort) damaged("cohort");
    std::memcpy(&id, key.data(), sizeof id);
    return visit(id, *cohort);
  });
}

void Reader::each_group(const std::function<bool(std::string_view, const MirrorSet&,
                                                 const std::vector<FormerVersion>&)>& visit) {
  each(txn_.get(), environment_.groups(), [&](std::string_view key, std::string_view record) {
    const auto group = decode_group(record);
    const auto former = group ? decode_former(group->former) : std::nullopt;
    if (!former) damaged("group");
    const std::string_view folder =
        group->folder.empty() ? key.substr(0, key.size() - 1) : group->folder;
    return visit(folder, group->mirrors, *former);
  });
}

std::optional<FeedFile> Reader::stored_file(std::string_view path) {
  const auto record = file_record(path);
  if (!record) return std::nullopt;
  std::string room;
  FeedFile file = feed_file(key_of(path, room), *record);
  file.path = path;
  return file;
}

std::optional<FeedFile> Reader::stored_link(std::string_view path) {
  const auto record = link_record(path);
  return record ? std::optional(feed_link(path, *record)) : std::nullopt;
}

Snapshot::Snapshot(std::shared_ptr<Environment> environment)
    : environment_(std::move(environment)), reader_(environment_->take_reader()) {
  reader_->begin();
}

Snapshot::~Snapshot() {
  if (reader_ == nullptr) return;
  reader_->end();
  environment_->give_back(std::move(reader_));
}

}  // namespace mirror::catalog
