// How much room the tables take, and taking back what deleted rows left.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace mirror::db {

struct TableSize {
  std::string name;
  std::int64_t rows = 0;  // as the server estimates; -1: it has not counted yet
  std::int64_t dead_rows = 0;
  std::int64_t bytes = 0;  // with what is stored beside it, without indexes
  std::int64_t index_bytes = 0;
};

// The largest first.
std::vector<TableSize> table_sizes(Connection&);
std::int64_t database_bytes(Connection&);

// Frees the room of deleted rows for new ones, and counts the rows for the planner. Others go on
// meanwhile. `whole` gives the room back to the disk: a table is written anew, and nobody reads it
// meanwhile. Throws Error, also if this role may not.
void vacuum(Connection&, const std::string& table, bool whole);

}  // namespace mirror::db
