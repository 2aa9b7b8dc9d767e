// Pieces of files whose digests are known, by which a prober checks what a mirror serves; and files
// that are too large for servers of 32 bits. Throws Error.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "db/merge/one_file.h"
#include "db/probe/probe_files.h"
#include "pg/connection.h"

namespace mirror::db {

struct ContentPiece {
  std::int64_t first = 0, bytes = 0;  // of the file
  std::string sha1, sha256;           // one of them
};

// A random piece of a file in that version, or the whole of a small one. nullopt: its digests are
// not known, its pieces are too long, or it is empty.
std::optional<ContentPiece> choose_piece(Connection&, const ProbeFile& file,
                                         std::minstd_rand& random);

// The whole of a file that is small enough to be read as such; nullopt: it is not.
std::optional<ContentPiece> whole_piece(std::int64_t size_bytes, std::string_view sha256);

// What tells whether a mirror has this version of a large file or an earlier one of the same size:
// the last piece, the first one and two from within, which differ from each other. An archive or
// image that was built anew differs in most places, or else in its directory or sum at the end.
// The same ones each time. Empty where the pieces cannot be used, and for files most of whose
// pieces are alike: two versions of these cannot be told apart so.
std::vector<ContentPiece> choose_pieces(Connection&, const ProbeFile& file);

// Beyond this some servers cannot send.
inline constexpr std::int64_t kLargeBytes = std::int64_t{2} << 30;

// Files larger than that: those of all mirrors, at most kMostLarge of them, and those of one.
inline constexpr std::int32_t kMostLarge = 100'000;
std::vector<std::int64_t> large_file_ids(Connection&);
std::vector<FileOnMirror> large_files(Connection&, MirrorId id);
// Of these files a random one that the mirror has, to ask for.
std::optional<ProbeFile> choose_large_file(Connection&, MirrorId id,
                                           const std::vector<std::int64_t>& file_ids);

}  // namespace mirror::db
