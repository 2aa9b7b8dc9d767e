#include "t/race/catalog_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>

#include "catalog/error.h"

namespace mirror::race {
namespace {

using catalog::Batch;
using catalog::Environment;

constexpr MirrorId kMirrors = 8;

std::vector<MirrorId> mirrors_of(int parity) {
  std::vector<MirrorId> mirrors;
  for (MirrorId id = 1; id <= kMirrors; ++id) {
    if (id % 2 == parity) mirrors.push_back(id);
  }
  return mirrors;
}

std::string bytes(std::size_t count, std::int64_t version) {
  return std::string(count, static_cast<char>(version % 251));
}

// Batches that end at random, each with what all earlier ones left.
class Batches {
 public:
  Batches(Environment& environment, CatalogWriter& writer)
      : environment_(environment), writer_(writer) {}
  Batch& operator*() {
    if (!batch_) batch_.emplace(environment_);
    return *batch_;
  }
  Batch* operator->() { return &**this; }
  void perhaps_commit() {
    if (batch_ && writer_.roll(4) == 0) commit();
  }
  void commit() {
    lost_files_.insert(batch_->lost_files().begin(), batch_->lost_files().end());
    batch_->commit();
    batch_.reset();
  }
  std::set<std::int64_t> lost_files() {
    lost_files_.insert((*this)->lost_files().begin(), (*this)->lost_files().end());
    return lost_files_;
  }

 private:
  Environment& environment_;
  CatalogWriter& writer_;
  std::optional<Batch> batch_;
  std::set<std::int64_t> lost_files_;
};

}  // namespace

std::string path_of(int file) { return fmt::format("dir/{:03}", file); }

FeedFile CatalogWriter::feed_file(int number) const {
  const File& of = files_[static_cast<std::size_t>(number)];
  FeedFile file;
  file.path = path_of(number);
  file.shown = of.shown;
  file.size_bytes = of.version;
  file.mtime_s = meta_.rev;
  file.cohort_id = of.cohort;
  file.hashes.sha256 = bytes(32, of.version);
  file.hashes.md5 = bytes(16, of.version);
  file.hashes.piece_bytes = 262144;
  file.hashes.sha1_pieces = bytes(2000, of.version);
  return file;
}

void CatalogWriter::put_mirrors(Batch& batch) {
  ++meta_.mirrors_rev;
  std::vector<Mirror> mirrors;
  for (MirrorId id = 1; id <= kMirrors; ++id) {
    Mirror& mirror = mirrors.emplace_back();
    mirror.id = id;
    mirror.identifier = fmt::format("m{}", id);
    mirror.http_url = fmt::format("http://{}.example/{}/", mirror.identifier, meta_.mirrors_rev);
    mirror.weight = static_cast<int>(meta_.mirrors_rev % 1000);
  }
  batch.put_mirrors(mirrors, {}, meta_);
}

void CatalogWriter::put_cohort(Batch& batch, std::int64_t cohort) {
  batch.put_cohort(cohort, mirrors_of(parity_[static_cast<std::size_t>(cohort)]));
}

std::string CatalogWriter::publish_next() {
  ++meta_.rev;
  meta_.token = std::to_string(meta_.rev);
  meta_.complete = true;
  meta_.hashes = meta_.rev % 2 == 0;
  meta_.swept_s = 1;  // stands for: nothing is half done
  const std::string file = directory_.unused_file();
  {
    const auto environment = Environment::open(file, catalog::Open::create, kAccess);
    Batch batch(*environment);
    put_mirrors(batch);
    for (std::size_t cohort = 1; cohort < parity_.size(); ++cohort)
      put_cohort(batch, static_cast<std::int64_t>(cohort));
    for (int number = 0; number < kFiles; ++number) {
      if (files_[static_cast<std::size_t>(number)].shown) batch.append(feed_file(number));
    }
    FeedFile link;
    link.path = kLink, link.shown = true, link.link_target = path_of(0);
    batch.append(link);
    batch.put_meta(meta_);
    batch.commit();
    environment->sync();
  }
  directory_.publish(file);
  return file;
}

// Some cohorts get the other mirrors, and all of their files the next version; other files come,
// go, or move between alike cohorts.
void CatalogWriter::change(Environment& environment) {
  Batches batches(environment, *this);
  if (roll(3) == 0) put_mirrors(*batches);
  meta_.swept_s = 0;
  batches->put_meta(meta_);
  std::set<std::int64_t> turned;
  for (std::size_t cohort = 1; cohort < parity_.size(); ++cohort) {
    if (roll(3) != 0) continue;
    turned.insert(static_cast<std::int64_t>(cohort));
    batches->put_cohort(static_cast<std::int64_t>(cohort),
                        {});  // what the old and the new mirrors have in common
    parity_[cohort] ^= 1;
    batches.perhaps_commit();
  }
  for (int number = 0; number < kFiles; ++number) {
    File& file = files_[static_cast<std::size_t>(number)];
    const bool other = turned.contains(file.cohort), toggle = number >= kStaying && roll(6) == 0;
    const auto next = static_cast<std::int64_t>(1 + roll(static_cast<int>(parity_.size()) - 1));
    if (other) ++file.version;
    if (parity_[static_cast<std::size_t>(next)] == file.version % 2 && roll(3) == 0) {
      file.cohort = next;
    } else if (!other && !toggle) {
      continue;
    }
    if (toggle) file.shown = !file.shown;
    if (file.shown && !batches->has_cohort(file.cohort)) put_cohort(*batches, file.cohort);
    batches->put(feed_file(number));
    batches.perhaps_commit();
  }
  FeedFile link;
  link.path = kLink, link.shown = true, link.link_target = path_of(roll(2));
  batches->put(link);
  for (const std::int64_t cohort : turned) {
    put_cohort(*batches, cohort);
    batches.perhaps_commit();
  }
  batches->drop_empty(batches.lost_files());
  meta_.swept_s = 1;
  batches->put_meta(meta_);
  batches.commit();
}

void CatalogWriter::damage(Environment& environment) {
  catalog::TransactionHandle txn = environment.begin(true);
  MDB_val key = catalog::bytes_of("meta"), data = catalog::bytes_of("?");
  catalog::check(mdb_put(txn.get(), environment.texts(), &key, &data, 0), environment.file());
  catalog::check(mdb_txn_commit(txn.release()), environment.file());
}

void CatalogWriter::publish_garbage() {
  const std::string file = directory_.unused_file();
  std::ofstream(file) << "no catalog";
  directory_.publish(file);
}

std::string wrong_file(const catalog::Meta& meta, const MirrorTable& mirrors,
                       const catalog::CatalogFile& found, HashParts parts) {
  const File& file = found.file;
  if (file.mtime_s != meta.rev)
    return fmt::format("{} of generation {} among those of {}", file.path, file.mtime_s, meta.rev);
  const std::vector<MirrorId> ids = file.mirrors.ids();
  for (const MirrorId id : ids) {
    if (id % 2 != file.size_bytes % 2)
      return fmt::format("{} in version {} at mirror {}", file.path, file.size_bytes, id);
    const Mirror* mirror = mirrors.find(id);
    if (mirror == nullptr) return fmt::format("mirror {} is unknown", id);
    if (mirror->weight != meta.mirrors_rev % 1000)
      return fmt::format("mirror {} of another revision", id);
  }
  const auto expected = mirrors_of(static_cast<int>(file.size_bytes % 2));
  if (meta.swept_s == 1 && !std::equal(ids.begin(), ids.end(), expected.begin(), expected.end())) {
    return fmt::format("{} has {} mirrors although nothing is half done", file.path, ids.size());
  }
  if (found.hashes.sha256 != bytes(32, file.size_bytes))
    return file.path + " with the digest of another version";
  const bool pieces = meta.hashes && parts == HashParts::all;
  if (found.hashes.sha1_pieces != (pieces ? bytes(2000, file.size_bytes) : ""))
    return file.path + " with the pieces of another version";
  return "";
}

std::string wrong_state(catalog::Reader& reader) {
  const catalog::Meta& meta = reader.meta();
  if (meta.token != std::to_string(meta.rev))
    return fmt::format("revision {} with the token {}", meta.rev, meta.token);
  if (reader.mirrors()->rev() != meta.mirrors_rev) return "the mirrors of another revision";
  std::map<std::int64_t, std::int64_t> counts;
  std::size_t files = 0;
  reader.each_file([&](const FeedFile& file) {
    ++files;
    ++counts[file.cohort_id];
    return true;
  });
  std::string wrong;
  if (files != reader.files()) wrong = "another number of files than it says";
  reader.each_cohort([&](std::int64_t id, const catalog::CohortRecord& cohort) {
    if (cohort.files != counts[id])
      wrong = fmt::format("cohort {} counts {} files and has {}", id, cohort.files, counts[id]);
    return wrong.empty();
  });
  return wrong;
}

}  // namespace mirror::race
