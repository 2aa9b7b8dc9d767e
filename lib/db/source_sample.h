// A few files of the source and the names at its top, by which a copy of it is told from another
// tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace mirror::db {

struct SourceFile {
  std::string path;
  std::int64_t size_bytes = 0;
};

struct SourceSample {
  std::vector<SourceFile> files;       // random current ones, none is empty
  std::vector<std::string> top_names;  // of files and folders, in their order
};

// At most `files` and `names` of them. Takes the same time however many files there are. Throws
// Error.
SourceSample sample_source(Connection&, std::size_t files, std::size_t names);

}  // namespace mirror::db
