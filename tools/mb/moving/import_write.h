// Moved mirrors into the database, and what became of each.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "moving/moved_mirror.h"
#include "pg/connection.h"

namespace mirror::mb {

struct ImportWishes {
  bool dry_run = false;     // all of it, but nothing is kept
  bool update = false;      // those that are there already, too
  bool disabled = false;    // new ones are, and others are not enabled
  bool may_enable = false;  // those that are disabled here; another system does not know why
};

// Names of mirrors.
struct ImportOutcome {
  std::vector<std::string> added, updated, unchanged, exist;
  std::vector<std::pair<std::string, std::string>> refused;  // and why
};

// What no column has goes to what is left out.
void keep_known_columns(moving::MovedMirrors& moved);
// Codes that no country has, and regions that there are not, are left out and named. In our own
// export they are as an admin wrote them, and stay.
void check_countries(moving::MovedMirrors& moved, bool is_ours);

// All in one transaction. One that is refused keeps none of the others out.
ImportOutcome import_mirrors(db::Connection& connection, const moving::MovedMirrors& moved,
                             const ImportWishes& wishes);

}  // namespace mirror::mb
