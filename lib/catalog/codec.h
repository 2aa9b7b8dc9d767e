// How a catalog's records are written: compact, bounds-checked when read. Numbers are LEB128,
// signed ones in zigzag order first. Whatever is read may be damaged: decoding says so and never
// reads past the record.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/feed_file.h"
#include "core/former_version.h"
#include "core/model.h"
#include "core/path_rules.h"
#include "core/pause.h"

namespace mirror::catalog {

inline constexpr int kFormat =
    8;  // also another one when revisions tell something else, so that a catalog is loaded anew

// What a catalog says of itself.
struct Meta {
  std::int64_t rev = 0;            // of the database, reached by the last complete pull
  std::string token;               // that revision's; "" for rev 0
  std::int64_t mirrors_rev = -1;   // of the mirrors
  std::int64_t mirrors_count = 0;  // how often the mirrors were written: tells one set from another
  double grace_s = 0;              // how long gone files are redirected
  bool complete = false;           // may be served from
  bool hashes = false;             // with everything that representations are made of
  Region region = Region::unknown;  // has the mirrors that are of use there alone; unknown: all
  std::int64_t as_of_s = 0;         // Unix time at which it was known to be the database's state
  std::int64_t swept_s = 0;         // Unix time of the last look for what nobody needs any more
};
std::string encode(const Meta& meta);
std::optional<Meta> decode_meta(std::string_view text);  // nullopt: damaged, or of another format

// A path's key: it itself, or for paths above 510 bytes its first 479 bytes and its SHA-256, 511
// bytes together, LMDB's limit.
inline constexpr std::size_t kMaxPlainKey = 510, kKeyPrefix = 479;
std::string_view key_of(std::string_view path, std::string& room);
inline bool is_long(std::string_view path) { return path.size() > kMaxPlainKey; }

// Views into the record.
struct FileRecord {
  std::int64_t size_bytes = 0, mtime_s = 0, cohort_id = 0;
  std::optional<std::int64_t> gone_s, new_since_s;
  bool pending = false, btih_exists = false, btih_v1_exists = false;
  SignatureKind signature_kind = SignatureKind::none;
  std::string_view sha256;  // "": not known
  std::string_view path;    // of a long one; else ""
};
void encode_file(std::string& out, const FeedFile& file);
std::optional<FileRecord> decode_file(std::string_view record);

struct LinkRecord {
  std::optional<std::int64_t> gone_s;
  std::string_view target, path;  // path as in FileRecord
};
void encode_link(std::string& out, const FeedFile& link);
std::optional<LinkRecord> decode_link(std::string_view record);

// A cohort's files are counted here; its mirrors stand there as they are read, so that nobody
// copies them: as bits when they are in order and that takes less room.
struct CohortRecord {
  std::int64_t files = 0;
  MirrorSet mirrors;  // into the record
};
std::string_view cohort_key(const std::int64_t& id);  // into the id
std::string encode_cohort(const CohortRecord& cohort);
std::optional<CohortRecord> decode_cohort(std::string_view record);

// A mutable group, by its folder: who has all of its members, and its anchors' former versions.
// Views into the record.
struct GroupRecord {
  MirrorSet mirrors;
  std::string_view folder;  // of one whose key is a long one; else ""
  std::string_view former;  // for decode_former()
};
std::string_view group_key(std::string_view folder, std::string& room);
std::string encode_group(std::string_view folder, const MirrorSet& mirrors,
                         std::span<const FormerVersion> former);
std::optional<GroupRecord> decode_group(std::string_view record);
std::optional<std::vector<FormerVersion>> decode_former(std::string_view text);  // nullopt: damaged

// All but sha256 and signature_kind, which the file's record has.
void encode_hashes(std::string& out, const FileHashes& hashes);
// zsync's sums alone, into the record: no other page of it is touched but for lengths.
std::optional<std::string_view> zsync_sums_in(std::string_view record);
bool decode_hashes(std::string_view record, HashParts parts, FileHashes& hashes);  // false: damaged

std::string encode_mirrors(const std::vector<Mirror>& mirrors);
std::optional<std::vector<Mirror>> decode_mirrors(std::string_view text);
std::string encode_rules(const PathRules& rules);
std::optional<PathRules> decode_rules(std::string_view text);
std::string encode_pause(const std::optional<Pause>& pause);
bool decode_pause(std::string_view text, std::optional<Pause>& pause);  // false: damaged

}  // namespace mirror::catalog
