// What mirror_columns.cc knows of each column, for mirrors.cc.
#pragma once

#include <string>
#include <string_view>

#include "db/mirror/mirrors.h"

namespace mirror::db {

struct MirrorField {
  MirrorColumn column;
  std::string (*text)(const MirrorRecord&);
};

const MirrorField* find_field(std::string_view name);  // nullptr when there is none

// Adds `value`, as an admin writes it, as a parameter of the column's type; throws Error naming the
// column when it is none. Ranges and shapes are the database's to check.
void bind_value(Params& params, const MirrorColumn& column, std::string_view value);

}  // namespace mirror::db
