// Catalogs for tests: files, links, and a catalog file filled with them.
#pragma once

#include <string>

#include "catalog/batch.h"
#include "catalog/error.h"
#include "catalog/reader.h"
#include "samples.h"
#include "t/folder.h"

namespace mirror::catalog {

inline FeedFile sample_file(std::string path, std::int64_t cohort_id = 1) {
  FeedFile file;
  file.path = std::move(path);
  file.shown = true;
  file.size_bytes = 1000;
  file.mtime_s = 1'700'000'000;
  file.cohort_id = cohort_id;
  return file;
}

inline FeedFile sample_link(std::string path, std::string target) {
  FeedFile link;
  link.path = std::move(path);
  link.shown = true;
  link.link_target = std::move(target);
  return link;
}

// Every member is set, and differs from every other.
inline FileHashes sample_hashes() {
  const auto bytes = [](std::size_t count, char first) {
    std::string text(count, '\0');
    for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>(first + i);
    return text;
  };
  FileHashes hashes;
  hashes.md5 = bytes(16, 1), hashes.sha1 = bytes(20, 2), hashes.sha256 = bytes(32, 3),
  hashes.sha512 = bytes(64, 4);
  hashes.piece_bytes = 262144;
  hashes.sha1_pieces = bytes(20 * 300, 5), hashes.pieces_root = bytes(32, 6),
  hashes.piece_layer = bytes(32 * 300, 7);
  hashes.btih = bytes(20, 8), hashes.btih_v1 = bytes(20, 9), hashes.btmh = bytes(32, 10);
  hashes.btih_exists = hashes.btih_v1_exists = true;
  hashes.zsync = {.block_bytes = 2048,
                  .seq_matches = 2,
                  .rsum_bytes = 3,
                  .md4_bytes = 5,
                  .sums = bytes(8 * 400, 11)};
  hashes.signature = "-----BEGIN PGP SIGNATURE-----\n";
  hashes.signature_kind = SignatureKind::asc;
  return hashes;
}

inline bool equal(const ZsyncSums& a, const ZsyncSums& b) {
  return a.block_bytes == b.block_bytes && a.seq_matches == b.seq_matches &&
         a.rsum_bytes == b.rsum_bytes && a.md4_bytes == b.md4_bytes && a.sums == b.sums;
}

inline bool equal(const FileHashes& a, const FileHashes& b) {
  return a.md5 == b.md5 && a.sha1 == b.sha1 && a.sha256 == b.sha256 && a.sha512 == b.sha512 &&
         a.piece_bytes == b.piece_bytes && a.sha1_pieces == b.sha1_pieces &&
         a.pieces_root == b.pieces_root && a.piece_layer == b.piece_layer && a.btih == b.btih &&
         a.btih_v1 == b.btih_v1 && a.btmh == b.btmh && a.btih_exists == b.btih_exists &&
         a.btih_v1_exists == b.btih_v1_exists && a.signature == b.signature &&
         a.signature_kind == b.signature_kind && equal(a.zsync, b.zsync);
}

inline Meta sample_meta(bool hashes = true) {
  Meta meta;
  meta.rev = 7;
  meta.token = "a3bb189e-8bf9-3888-9912-ace4e6543002";
  meta.grace_s = 60;
  meta.complete = true;
  meta.hashes = hashes;
  return meta;
}

constexpr Access kSmallAccess{.max_bytes = 8 << 20, .max_readers = 16};
constexpr std::int64_t kNow = 1'700'000'100;

// A new catalog with mirrors 1 to 9, and with cohort 1 of mirrors 1, 2 and 3.
inline std::shared_ptr<Environment> make_catalog(const std::string& file,
                                                 const std::vector<FeedFile>& files = {},
                                                 bool hashes = true,
                                                 const Access& access = kSmallAccess) {
  auto environment = Environment::open(file, Open::create, access);
  Batch batch(*environment);
  std::vector<Mirror> mirrors;
  for (MirrorId id = 1; id < 10; ++id) mirrors.push_back(sample_mirror(id));
  Meta meta = sample_meta(hashes);
  batch.put_mirrors(mirrors, {}, meta);
  batch.put_meta(meta);
  batch.put_cohort(1, std::vector<MirrorId>{1, 2, 3});
  for (const FeedFile& one : files) batch.put(one);
  batch.commit();
  return environment;
}

// As only damage leaves it.
inline void write_record(Environment& environment, MDB_dbi table, std::string_view key,
                         std::string_view record) {
  TransactionHandle txn = environment.begin(true);
  MDB_val name = bytes_of(key), data = bytes_of(record);
  check(mdb_put(txn.get(), table, &name, &data, 0), "put");
  check(mdb_txn_commit(txn.release()), "commit");
}

// Cohorts as lines "id files: mirror mirror …".
inline std::string cohorts_of(Environment& environment) {
  std::string text;
  Snapshot snapshot(environment.shared_from_this());
  snapshot->each_cohort([&](std::int64_t id, const CohortRecord& cohort) {
    text += std::to_string(id) + ' ' + std::to_string(cohort.files) + ':';
    for (const MirrorId mirror : cohort.mirrors.ids()) text += ' ' + std::to_string(mirror);
    text += '\n';
    return true;
  });
  return text;
}

inline std::vector<std::string> paths_of(Environment& environment) {
  std::vector<std::string> paths;
  Snapshot snapshot(environment.shared_from_this());
  snapshot->each_file([&](const FeedFile& file) {
    paths.push_back(file.path);
    return true;
  });
  return paths;
}

// The code of the Error that it ends with; 0: none.
template <class Action>
int error_of(Action action) {
  try {
    action();
    return 0;
  } catch (const Error& error) {
    return error.code();
  }
}

}  // namespace mirror::catalog
