// What mirrors' stamps said, and the source's own: files that say how new a tree is. mb-probe reads
// and stores them; stale.h judges by them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

struct MirrorStamp {
  MirrorId mirror_id = 0;
  std::string path;                  // of the file
  std::int64_t asked_s = 0;          // Unix time when it was read
  std::optional<std::int64_t> at_s;  // Unix time that it said; nullopt: none that can be used
  std::string fault;                 // why, in words: printable, at most 500 bytes
};

// All of them, or one mirror's. For the roles of scanner and admin, like all here. Throw Error.
std::vector<MirrorStamp> read_stamps(Connection&);
std::optional<MirrorStamp> find_stamp(Connection&, MirrorId);
// As read just now, whatever asked_s says; those of mirrors that are gone are left out.
void write_stamps(Connection&, const std::vector<MirrorStamp>& stamps);
// Of these mirrors nothing is known any more.
void forget_stamp(Connection&, MirrorId);

// The source's stamp said so under that path; what it said under other paths is forgotten, and what
// is older than 400 days. One that is not ten minutes newer than the last is left out.
void note_source_stamp(Connection&, std::string_view path, std::int64_t at_s);

}  // namespace mirror::db
