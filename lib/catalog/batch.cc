#include "catalog/batch.h"

#include <cerrno>

#include "catalog/error.h"

namespace mirror::catalog {
namespace {

constexpr double kKeepLinksSeconds = 86400;

}  // namespace

Batch::Batch(Environment& environment)
    : environment_(environment), in_use_(environment.file()), txn_(environment.begin(true)) {}

std::optional<std::string_view> Batch::get(MDB_dbi table, std::string_view key) const {
  return environment_.get(txn_.get(), table, key);
}

CohortRecord Batch::cohort_in(std::string_view record) const {
  const auto cohort = decode_cohort(record);
  if (!cohort) throw_damaged(environment_.file(), "cohort");
  return *cohort;
}

std::optional<CohortRecord> Batch::cohort_record(std::int64_t id) const {
  const auto record = get(environment_.cohorts(), cohort_key(id));
  return record ? std::optional(cohort_in(*record)) : std::nullopt;
}

void Batch::store_cohort(std::int64_t id, const CohortRecord& cohort) {
  store(environment_.cohorts(), cohort_key(id), encode_cohort(cohort));
}

void Batch::store(MDB_dbi table, std::string_view key, std::string_view record, bool append) {
  MDB_val name = bytes_of(key), data = bytes_of(record);
  int result = mdb_put(txn_.get(), table, &name, &data, append ? MDB_APPEND : 0);
  // A long path's key may stand elsewhere in the order than the path.
  if (append && result == MDB_KEYEXIST) result = mdb_put(txn_.get(), table, &name, &data, 0);
  environment_.check_write(result);
}

void Batch::erase(MDB_dbi table, std::string_view key) {
  MDB_val name = bytes_of(key);
  const int result = mdb_del(txn_.get(), table, &name, nullptr);
  if (result != MDB_NOTFOUND) environment_.check_write(result);
}

void Batch::count(std::int64_t cohort, std::int64_t files) {
  counts_[cohort] += files;
  if (files < 0) lost_files_.insert(cohort);
}

void Batch::erase_file(std::string_view key) {
  const auto old = get(environment_.files(), key);
  if (!old) return;
  const auto record = decode_file(*old);
  if (!record) throw_damaged(environment_.file(), "file");
  count(record->cohort_id, -1);
  erase(environment_.files(), key);
  erase(environment_.hashes(), key);
}

void Batch::write(const FeedFile& file, bool append) {
  const std::string_view key = key_of(file.path, key_room_);
  if (!append) {
    erase_file(key);
    erase(environment_.links(), key);
  }
  if (!file.shown) return;
  if (file.link_target) {
    encode_link(record_, file);
    return store(environment_.links(), key, record_, append);
  }
  encode_file(record_, file);
  store(environment_.files(), key, record_, append);
  count(file.cohort_id, 1);
  if (!file.hashes.has_more_than_redirects()) return;
  encode_hashes(record_, file.hashes);
  store(environment_.hashes(), key, record_, append);
}

void Batch::put(const FeedFile& file) { write(file, false); }
void Batch::append(const FeedFile& file) { write(file, true); }

bool Batch::has_cohort(std::int64_t id) const { return cohort_record(id).has_value(); }

std::vector<MirrorId> Batch::cohort(std::int64_t id) const {
  return cohort_record(id).value_or(CohortRecord()).mirrors.ids();
}

void Batch::put_cohort(std::int64_t id, std::span<const MirrorId> mirrors) {
  store_cohort(id, {cohort_record(id).value_or(CohortRecord()).files, mirrors});
}

std::optional<std::vector<MirrorId>> Batch::group(std::string_view folder) {
  const auto record = get(environment_.groups(), group_key(folder, key_room_));
  if (!record) return std::nullopt;
  const auto group = decode_group(*record);
  if (!group) throw_damaged(environment_.file(), "group");
  return group->mirrors.ids();
}

void Batch::put_group(std::string_view folder, std::span<const MirrorId> mirrors,
                      std::span<const FormerVersion> former) {
  store(environment_.groups(), group_key(folder, key_room_), encode_group(folder, mirrors, former));
}

void Batch::erase_group(std::string_view folder) {
  erase(environment_.groups(), group_key(folder, key_room_));
}

void Batch::write_counts() {
  for (const auto& [id, change] : counts_) {
    const auto old = change != 0 ? cohort_record(id) : std::nullopt;
    if (old)
      store_cohort(id, {old->files + change,
                        old->mirrors});  // else a reader takes it for one without mirrors
  }
  counts_.clear();
}

void Batch::drop_empty(const std::set<std::int64_t>& cohorts) {
  write_counts();
  for (const std::int64_t id : cohorts) {
    const auto cohort = cohort_record(id);
    if (cohort && cohort->files <= 0) erase(environment_.cohorts(), cohort_key(id));
  }
}

void Batch::put_mirrors(const std::vector<Mirror>& mirrors, const PathRules& rules, Meta& meta,
                        const std::optional<Pause>& pause) {
  const std::string text = encode_mirrors(mirrors), rules_text = encode_rules(rules),
                    pause_text = encode_pause(pause);
  std::optional<Pause> read;
  if (!decode_mirrors(text) || !decode_rules(rules_text) || !decode_pause(pause_text, read))
    throw Error("the mirrors have a value that cannot be stored in a catalog", EINVAL);
  ++meta.mirrors_count;
  store(environment_.texts(), "mirrors", text);
  store(environment_.texts(), "rules", rules_text);
  store(environment_.texts(), "pause", pause_text);
}

Meta Batch::meta() const {
  const auto text = get(environment_.texts(), "meta");
  if (!text) return {};  // of a new file
  auto meta = decode_meta(*text);
  if (!meta) throw_damaged(environment_.file(), "catalog");
  return *std::move(meta);
}

void Batch::put_meta(const Meta& meta) {
  const std::string text = encode(meta);
  if (!decode_meta(text))
    throw Error("the state has a value that cannot be stored in a catalog", EINVAL);
  store(environment_.texts(), "meta", text);
}

template <class Unneeded>
void Batch::sweep_table(MDB_dbi table, Unneeded unneeded) {
  const Cursor cursor = open_cursor(txn_.get(), table);
  MDB_val key, data;
  int found = mdb_cursor_get(cursor.get(), &key, &data, MDB_FIRST);
  while (found == 0) {
    if (unneeded(view(data))) environment_.check_write(mdb_cursor_del(cursor.get(), 0));
    found = mdb_cursor_get(cursor.get(), &key, &data, MDB_NEXT);
  }
  if (found != MDB_NOTFOUND) check(found, environment_.file());
}

void Batch::sweep(std::int64_t now_s, double grace_s) {
  write_counts();
  sweep_table(environment_.links(), [&](std::string_view record) {
    const auto link = decode_link(record);
    if (!link) throw_damaged(environment_.file(), "link");
    return link->gone_s && static_cast<double>(*link->gone_s) + grace_s + kKeepLinksSeconds <
                               static_cast<double>(now_s);
  });
  sweep_table(environment_.cohorts(),
              [&](std::string_view record) { return cohort_in(record).files <= 0; });
}

void Batch::commit() {
  write_counts();
  environment_.check_write(mdb_txn_commit(txn_.release()));
}

}  // namespace mirror::catalog
