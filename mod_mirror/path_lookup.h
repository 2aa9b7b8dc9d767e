// The result of looking up a path, in the catalog or in the database.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "catalog/reader.h"
#include "core/hashes.h"
#include "rank/mirror_table.h"

namespace mirror::httpd {

// Held by pointer: it is large, and made where it stays.
struct Lookup : catalog::CatalogFile {
  std::shared_ptr<const MirrorTable> mirrors;  // never null
  std::vector<MirrorId> ids, whole;            // what `file` shows, from the database
  std::optional<catalog::Snapshot>
      snapshot;  // what it shows, from the catalog: to be ended before anything is sent
};

}  // namespace mirror::httpd
