// The hashes of the source's files: which are missing, storing them, reading them. Storing is a
// merge (merge.h): a digest under a new mtime is the same version, another digest is another
// version, and a result for a version that is no longer the table's is dropped. Functions throw
// Error; a Connection belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hashes.h"
#include "pg/connection.h"

namespace mirror::db {

// A regular file that the source has (staged ones too), and what is known of its hashes.
struct HashTarget {
  std::int64_t file_id = 0;
  std::int64_t version_rev = 0;
  std::string path;
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;
  bool staged = false;
  bool pending = false;                  // touched since it was read
  bool known = false;                    // there are hashes of this version
  bool lacks = true;                     // something of the wanted kinds
  std::optional<std::int64_t> ctime_ns;  // when it was read; nullopt: it was not read here
  std::optional<std::int64_t> signature_ctime_ns;  // 0: there was none; nullopt: nobody has looked
};

// In bytewise order of their paths, the first `limit` above `after` ("" for the start), below
// `subtree` or it itself ("": all); with `pending_only` those that are pending.
std::vector<HashTarget> list_hash_targets(Connection&, std::string_view subtree,
                                          std::string_view after, const HashKinds&,
                                          std::int32_t limit, bool pending_only = false);
std::vector<HashTarget> find_hash_targets(Connection&, const std::vector<std::int64_t>& file_ids,
                                          const HashKinds&);
std::vector<HashTarget> find_hash_targets(Connection&, const std::vector<std::string>& paths,
                                          const HashKinds&);

struct HashBacklog {
  std::int64_t files = 0, bytes = 0;
};
// What is pending or lacks something; all of it with `known` too.
HashBacklog hash_backlog(Connection&, std::string_view subtree, const HashKinds&,
                         bool known = false);

// Claims files that no other session is hashing, until they are released or this session ends;
// returns which. Look again afterwards for what another session has just finished (others_merged,
// find_hash_targets).
std::vector<std::int64_t> claim_files(Connection&, const std::vector<std::int64_t>& file_ids);
void release_files(Connection&, const std::vector<std::int64_t>& file_ids);

// The result for one version. Without any digest it is about the signature alone.
struct HashResult {
  std::int64_t file_id = 0;
  std::int64_t version_rev =
      0;  // the version that was read: this, size and mtime must still be the table's
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;
  std::optional<std::int64_t> ctime_ns;  // nullopt: not read, but told by a list
  std::optional<std::int64_t>
      signature_ctime_ns;  // as in HashTarget; nullopt: `signature` means nothing
  FileHashes hashes;
};

struct StoredHashes {
  std::int64_t stored = 0;  // these, and nothing else, were still the table's versions
  std::int64_t new_versions =
      0;                 // of those: the content turned out to be another than the hashes knew
  std::int64_t rev = 0;  // of the merge; 0 when nothing changed that others see
};

// In one short merge. Kinds that a result lacks are kept from earlier ones of the same version.
StoredHashes store_hashes(Connection&, const std::vector<HashResult>&);

// What is known of the present version of a file that may be shown; nullopt for nothing (never
// hashed, touched since, staged, absent). `path` is the real one (find_file). One prepared
// statement; for zsync's sums one more for each MiB, so that libpq never holds them whole. Sums
// that are not as many as the file has blocks count as unknown.
std::optional<FileHashes> load_hashes(Connection&, std::string_view path,
                                      HashParts = HashParts::all);
// `count` bytes of zsync's sums of that file from `offset` (from 0) on; "" when they end there, or
// are no longer those of a shown file with this SHA-1. One prepared statement.
std::string load_zsync_part(Connection&, std::string_view path, std::string_view sha1,
                            std::int64_t offset, std::int32_t count);
// Whether the file is shown, or has been touched, or neither.
std::optional<FileHashes> load_hashes(Connection&, std::int64_t file_id);

}  // namespace mirror::db
