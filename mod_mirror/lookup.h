// What a request learns of a path, from the catalog or from the database.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "catalog/reader.h"
#include "core/hashes.h"
#include "core/model.h"

namespace mirror::httpd {

struct Lookup {
  Lookup() = default;
  Lookup(Lookup&&) = default;
  Lookup& operator=(Lookup&&) = delete;

  Found found = Found::absent;
  File file;                                   // for Found::file
  FileHashes hashes;                           // of a file, as far as they are known and were asked for
  std::shared_ptr<const MirrorTable> mirrors;  // never null
  std::vector<MirrorId> ids;                   // what file.mirrors shows, from the database
  std::optional<catalog::Snapshot> snapshot;   // what it shows, from the catalog: to be ended before anything is sent
};

}  // namespace mirror::httpd
