// What one check is to find out. Plain values.
#pragma once

#include <cstdint>
#include <optional>

#include "db/probe/content_pieces.h"
#include "db/probe/probe_files.h"

namespace mirror::probe {

// From the check that misses a file to the one that asks for it once more.
inline constexpr double kSecondLook_s = 5;

struct Job {
  enum class Kind : std::uint8_t {
    presence,    // whether the mirror has the file
    content,     // whether a piece of it is what the source has
    impossible,  // whether the mirror says that it has a file that cannot exist
    large        // whether it sends what lies beyond 2 GiB
  };
  Kind kind = Kind::presence;
  db::ProbeFile file;  // impossible: next to which the name is
  std::optional<db::ContentPiece> piece;
};

}  // namespace mirror::probe
