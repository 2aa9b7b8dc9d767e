// Which file to ask a mirror for: one that it has now, as far as the last scans know, another one
// each time. Costs the same however many files there are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

struct ProbeFile {
  std::int64_t id = 0;
  std::string path;
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;
  std::int64_t cohort_id = 0;
};

// One thread. Throws Error.
class ProbeFiles {
 public:
  // Reads another sample of the files, for all mirrors together.
  void sample(Connection& connection);
  // A random one of the sample that the mirror has; else, where the sample has none, the one that
  // was found for it before, or the next one of the table, which is searched a piece each time.
  // nullopt: it has none, or none was found yet.
  std::optional<ProbeFile> choose(Connection& connection, MirrorId id);

 private:
  struct Search {
    std::int64_t after_id = 0;          // where the next piece begins
    std::optional<std::int64_t> found;  // a file's id
  };
  std::optional<ProbeFile> search(Connection& connection, MirrorId id);

  std::vector<ProbeFile> files_;
  std::map<std::int64_t, std::vector<MirrorId>> cohorts_;  // of these files; sorted
  std::map<MirrorId, Search> searches_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace mirror::db
