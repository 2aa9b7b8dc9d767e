// What a prober reads to judge whether a mirror may be believed; db/mirror/standing.h writes it.
// Throws Error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model.h"
#include "db/mirror/standing.h"
#include "pg/connection.h"

namespace mirror::db {

struct MirrorDoubt {
  MirrorId mirror_id = 0;
  std::string mirror;  // its identifier
  DoubtKind kind = DoubtKind::wrong;
  std::int64_t since_s = 0;  // Unix time
};

// Of all mirrors.
std::vector<MirrorDoubt> all_doubts(Connection&);

// Whether a full scan of the mirror that succeeded began after that Unix time.
bool scanned_since(Connection&, MirrorId, std::int64_t since_s);

// How many files the mirror has, as far as the database knows.
std::int64_t held_files(Connection&, MirrorId);

}  // namespace mirror::db
