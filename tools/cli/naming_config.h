// If the database cannot be reached, perhaps the configuration file that names it is missing.
#pragma once

#include <fmt/core.h>

#include "config/instance.h"
#include "pg/connection.h"

namespace mirror::cli {

// What `open` returns, which connects to the instance's database. Throws what it throws; where
// there is no configuration file, a ConnectionError names the one that was looked for.
template <typename Open>
auto naming_config(const Instance& instance, const Open& open) {
  try {
    return open();
  } catch (const db::ConnectionError& error) {
    if (instance.file_found || instance.file.empty()) throw;
    throw db::ConnectionError(
        fmt::format("{}\nThere is no configuration file {}.", error.what(), instance.file),
        error.sqlstate());
  }
}

}  // namespace mirror::cli
