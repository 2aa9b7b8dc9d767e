// The hashes of one version of a file. Plain values that mb-hash computes, lib/db stores and every
// representation reads. Digests are raw bytes; an empty string means that the digest is not known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mirror {

// Which hashes to compute for every file.
struct HashKinds {
  bool md5 = true, sha1 = true, sha256 = true, sha512 = true;
  bool pieces = true;  // SHA-1 pieces, and with them the info hashes
  bool merkle = true;  // pieces_root and piece_layer
  bool zsync = false;
  bool signature = true;
};

inline constexpr std::size_t kMaxSignatureBytes = 65536;

enum class SignatureKind : std::uint8_t {
  none,
  asc,
  sig
};  // ASCII-armoured (RFC 4880 §6.2), or binary

struct ZsyncSums {               // zsync 0.6.2's control file
  std::int32_t block_bytes = 0;  // a power of two; 0: not computed
  std::int32_t seq_matches = 0;  // Hash-Lengths: consecutive matches needed (1 or 2),
  std::int32_t rsum_bytes = 0;   // bytes kept of each rolling sum (1 to 4),
  std::int32_t md4_bytes = 0;    // and of each block's MD4 (3 to 16)
  std::string sums;              // for each block rsum_bytes + md4_bytes
};

// How much of FileHashes is wanted. Each value includes those before it.
enum class HashParts : std::uint8_t {
  redirect,  // sha256, whether there are info hashes, signature_kind: what every catalog keeps
  digests,   // digests, info hashes, zsync's parameters, how large the rest is
  pieces,    // sha1_pieces, piece_layer and the signature's text too
  all,       // zsync's sums too
};

struct FileHashes {
  std::string md5;     // 16
  std::string sha1;    // 20
  std::string sha256;  // 32
  std::string sha512;  // 64
  bool has_digest() const {
    return !(md5.empty() && sha1.empty() && sha256.empty() && sha512.empty());
  }

  // Whether anything is known that HashParts::redirect does not have.
  bool has_more_than_redirects() const {
    return !(md5.empty() && sha1.empty() && sha512.empty() && signature.empty() &&
             piece_bytes == 0 && pieces_root.empty() && zsync.sums.empty());
  }

  // Pieces of the torrent and of the Metalink. The last one may be shorter; an empty file has none.
  std::int64_t piece_bytes = 0;  // piece_bytes_of(size); 0: pieces are not known
  std::string sha1_pieces;       // 20 for each piece (BEP 3)
  std::string pieces_root;       // 32: root of the Merkle tree over 16 KiB blocks (BEP 52)
  std::string piece_layer;  // 32 for each piece: the tree's layer of pieces; empty for a file of
                            // one piece (BEP 52)

  // Of sha1_pieces and piece_layer where they were not read themselves (HashParts::digests).
  std::size_t sha1_pieces_bytes = 0, piece_layer_bytes = 0;
  std::size_t size_of_pieces() const {
    return sha1_pieces.empty() ? sha1_pieces_bytes : sha1_pieces.size();
  }
  std::size_t size_of_layer() const {
    return piece_layer.empty() ? piece_layer_bytes : piece_layer.size();
  }

  // SHA-1 and SHA-256 of torrent.h's info dictionaries.
  std::string btih;     // 20: of the hybrid one, v1
  std::string btih_v1;  // 20: of the one without v2
  std::string btmh;     // 32: of the hybrid one, v2

  ZsyncSums zsync;

  // Whether there are info hashes, where they themselves were not read.
  bool btih_exists = false, btih_v1_exists = false;
  bool has_btih() const { return btih_exists || !btih.empty(); }
  bool has_btih_v1() const { return btih_v1_exists || !btih_v1.empty(); }

  std::string signature;  // what lies beside the file as .asc or .sig
  SignatureKind signature_kind = SignatureKind::none;
};

// Of zsync's sums of a file of that size; 0 where none are known.
constexpr std::int64_t zsync_sums_bytes(const ZsyncSums& zsync, std::int64_t size_bytes) {
  if (zsync.block_bytes <= 0 || size_bytes <= 0) return 0;
  const std::int64_t blocks = (size_bytes - 1) / zsync.block_bytes + 1;
  return blocks * (zsync.rsum_bytes + zsync.md4_bytes);
}

// 256 KiB, doubled until the file has at most 2,048 pieces. A power of two, as BEP 52 wants it.
constexpr std::int64_t piece_bytes_of(std::int64_t size_bytes) {
  std::int64_t piece = 256 * 1024;
  while (size_bytes > piece * 2048) piece *= 2;
  return piece;
}

}  // namespace mirror
