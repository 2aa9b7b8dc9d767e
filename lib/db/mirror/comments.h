// What admins noted of a mirror in the course of time. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/mirror_set.h"
#include "pg/connection.h"

namespace mirror::db {

struct Comment {
  std::int64_t at_s = 0;  // Unix time
  std::string by;         // USER@HOST, or a role of the database
  std::string text;
};

// The oldest first. Of all mirrors, or of one; none for a role that may not read them.
std::map<MirrorId, std::vector<Comment>> read_comments(Connection&);
std::vector<Comment> read_comments(Connection&, MirrorId);

// Now, by who runs this. The Error says what is wrong with the text.
void add_comment(Connection&, MirrorId, std::string_view text);
// One from an export; false: it is there already.
bool restore_comment(Connection&, MirrorId, const Comment&);

}  // namespace mirror::db
