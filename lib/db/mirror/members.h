// The one table of what the database knows of a mirror: core's members of a Mirror, and those that
// only admins and scans need. SELECTs, reading, `mb new`, `mb edit`, `mb show` and its JSON go by
// it; a test compares the schema, its trigger and the roles' rights with it. Internal to lib/db.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "db/mirror/mirrors.h"

namespace mirror::db {

// Who reads a member, so which roles must be allowed to; each includes those before it.
enum class Reader : std::uint8_t {
  redirects,  // and who changes it must raise mirror_rev, so that redirectors hear of it
  web,        // httpd's role, for people; changes are no news to redirectors
  scans,
  admins
};

enum class StoredIn : std::uint8_t { mirror, mirror_prefix, endpoint };

struct MirrorMember {
  MirrorColumn column;  // help nullptr: no option sets it
  Reader reader = Reader::admins;
  StoredIn stored_in = StoredIn::mirror;
  std::string select;           // what reads it from `mirror m`; "" for an endpoint's
  std::string endpoint_method;  // of an endpoint's
  std::string endpoint_column;  // or kComplete
  std::function<void(MirrorRecord&, const Result&, int row, int column)> read;
  // The two of a column that an option sets; see value_codec.h.
  std::function<std::string(const MirrorRecord&)> text;
  std::function<void(Params&, std::string_view value)> bind;
};

const std::vector<MirrorMember>& mirror_members();
// nullptr: no option sets one of this name.
const MirrorMember* find_settable(std::string_view name);

// Reading rows of `mirror m`: all that these readers may read, in the table's order.
std::string select_members(Reader last);  // columns for a SELECT
int count_members(Reader last);
MirrorRecord read_members(const Result&, int row, Reader last);

}  // namespace mirror::db
