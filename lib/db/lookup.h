// What a request asks the database for: one file by its path, and the table of mirrors.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/path_rules.h"
#include "db/unreadable.h"
#include "pg/connection.h"
#include "rank/mirror_table.h"

namespace mirror::db {

struct FoundFile {
  FoundFile() = default;
  FoundFile(FoundFile&&) = default;
  FoundFile& operator=(FoundFile&&) = default;

  Found found = Found::absent;
  File file;          // for Found::file; path is the real one, links (also in prefixes) resolved
  bool gone = false;  // from the source; it is in its grace time
  std::vector<MirrorId> mirrors;  // what file.mirrors shows; moving this object keeps it
  // Of the mutable group around it, the innermost: its folder, and the mirrors that have all of it.
  std::optional<std::string> group;
  std::vector<MirrorId> group_mirrors;
  std::vector<MirrorId> room;  // of heed_rules()
  std::int64_t mirrors_rev =
      0;  // the mirror table's rev in the same snapshot: reload when it differs from what is held
};

// One prepared statement for an existing file; two or a few more round trips for links, directories
// and absent paths. Staged files and gone files past their grace are absent.
FoundFile find_file(Connection&, std::string_view path);
// Leaves in found.file.mirrors who may serve the file by these rules, which are not older than it.
void heed_rules(FoundFile& found, const PathRules& rules);

// All mirrors; and the rules for paths, which may be newer than the table's revision. A row that
// cannot be read is left out, and added to `unreadable` unless that is null.
std::shared_ptr<const MirrorTable> load_mirrors(Connection&, UnreadableRows* unreadable = nullptr);

}  // namespace mirror::db
