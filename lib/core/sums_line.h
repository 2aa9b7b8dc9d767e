// Lines of SHA256SUMS and its like, as md5sum, sha1sum, sha256sum and sha512sum write them, in
// GNU's form or BSD's. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/hashes.h"

namespace mirror {

struct SumsLine {
  std::string name;  // unescaped, without a leading ./
  std::string FileHashes::*digest = nullptr;
  std::string value;  // raw bytes
};

// nullopt for a line that is none of this.
std::optional<SumsLine> parse_sums_line(std::string_view line);

}  // namespace mirror
