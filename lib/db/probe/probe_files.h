// Which file to ask a mirror for: one that it has now, as far as the last scans know, another one
// each time, and no larger than the mirror gets redirects for. Costs the same however many files
// there are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

struct ProbeFile {
  std::int64_t id = 0;
  std::string path;
  std::int64_t size_bytes = 0;
  std::vector<std::int64_t> mtimes_s;  // under which the source has had this version
  std::int64_t version_rev = 0;
  std::int64_t cohort_id = 0;
};

enum class AtSource : std::uint8_t {
  same,     // in the same version
  pending,  // touched, and not yet hashed again
  changed,  // in another version
  gone
};

// One thread. Throws Error.
class ProbeFiles {
 public:
  // Reads another sample of the files, for all mirrors together.
  void sample(Connection& connection);
  // A random one of the sample that the mirror has. Where the sample has none, the next one of the
  // table, which is searched a piece at a time, or else, until more pieces were searched, one that
  // was asked for before. `thoroughly`: searches the whole table if needed. nullopt: the mirror has
  // none, or none was found yet.
  std::optional<ProbeFile> choose(Connection& connection, MirrorId id, bool thoroughly);
  // One of those that are asked for most, at random, that the mirror has; nullopt: it has none.
  std::optional<ProbeFile> choose_asked(MirrorId id);
  // That file, if the mirror has it.
  static std::optional<ProbeFile> one(Connection& connection, MirrorId id, std::int64_t file_id);
  // The same, if it still is that version.
  static std::optional<ProbeFile> again(Connection& connection, MirrorId id, const ProbeFile& file);
  // The file at that path, whoever has it; nullopt: there is none, or a staged one.
  static std::optional<ProbeFile> at_path(Connection& connection, std::string_view path);
  // What the database says of it at the source, now.
  static AtSource at_source(Connection& connection, const ProbeFile& file);

 private:
  struct Search {
    std::optional<std::int64_t> after_id;  // where the next piece begins; nullopt: anywhere
    std::int64_t first_id = 0, began_id = 0;
    bool wrapped = false;                   // the table's end was reached
    std::vector<std::int64_t> next, known;  // ids of files: to ask for, asked for
  };
  void add_sample(const Result& rows, std::vector<ProbeFile>& files);
  std::optional<ProbeFile> choose_of(const std::vector<ProbeFile>& files, MirrorId id);
  bool is_too_large(MirrorId id, const ProbeFile& file) const;
  std::optional<ProbeFile> search(Connection& connection, MirrorId id, bool thoroughly);
  std::optional<ProbeFile> take_next(Connection& connection, MirrorId id, Search& search);
  bool search_piece(Connection& connection, MirrorId id, Search& search);

  std::vector<ProbeFile> files_, asked_;
  std::map<std::int64_t, std::vector<MirrorId>> cohorts_;  // of these files; sorted
  std::map<MirrorId, std::int64_t> limits_;                // file_maxsize, where there is one
  std::map<MirrorId, Search> searches_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace mirror::db
