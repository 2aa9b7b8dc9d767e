// The part of a torrent (BEP 3, BEP 52) of one file that its info hashes are made from. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/hashes.h"

namespace mirror {

enum class TorrentForm : std::uint8_t { hybrid, v1 };

// The info dictionary, bencoded: its SHA-1 is btih (hybrid) or btih_v1, the hybrid one's SHA-256
// btmh. Depends on nothing but the path's last segment, the size and the pieces, which must be
// known (hybrid: pieces_root too, unless the file is empty).
std::string info_dictionary(std::string_view path, std::int64_t size_bytes,
                            const FileHashes& hashes, TorrentForm form);

void append_info_dictionary(std::string& out, std::string_view path, std::int64_t size_bytes,
                            const FileHashes& hashes, TorrentForm form);

}  // namespace mirror
