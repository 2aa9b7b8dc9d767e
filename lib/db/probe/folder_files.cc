#include "db/probe/folder_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "db/probe/probe_file_rows.h"

namespace mirror::db {
namespace {

constexpr int kMostRead = 5000;  // rows at a time

// $1 mirror, $2 and $3 between which paths (NULL: no end). The last path that was read, and how
// many there were.
constexpr const char* kPiece =
    "SELECT * FROM file WHERE path > $2 AND path < $3 ORDER BY path LIMIT {}";

}  // namespace

FolderFiles list_folder_files(Connection& connection, MirrorId mirror, const std::string& folder,
                              const std::string& after, std::int32_t limit) {
  const std::string piece = fmt::format(kPiece, kMostRead);
  Params params;
  params.int2(mirror).bytes(std::max(after, folder + '/')).bytes(folder + char('/' + 1));
  Params with_limit = params;
  const Result rows =
      connection.run(fmt::format("SELECT {} FROM ({}) f WHERE {} ORDER BY f.path LIMIT $4",
                                 kProbeColumns, piece, has_probe_file()),
                     with_limit.int4(limit));
  FolderFiles found;
  for (int row = 0; row < rows.rows(); ++row) found.files.push_back(read_probe_file(rows, row));
  if (rows.rows() == limit) {
    found.next = found.files.back().path;
    return found;
  }
  const Result end = connection.run(
      fmt::format("WITH piece AS ({}) SELECT count(*), (SELECT path FROM piece ORDER "
                  "BY path DESC LIMIT 1) FROM piece WHERE $1 IS NOT NULL",
                  piece),
      params);
  if (end.int8(0, 0) == kMostRead) found.next = std::string(end.bytes(0, 1));
  return found;
}

std::vector<ProbeFile> files_of_mirror(Connection& connection, MirrorId mirror,
                                       const std::vector<std::int64_t>& ids) {
  const Result rows =
      connection.run(fmt::format("SELECT {} FROM file f WHERE f.id = ANY ($2) AND {}",
                                 kProbeColumns, has_probe_file()),
                     Params().int2(mirror).int8_array(ids));
  std::vector<ProbeFile> files;
  for (int row = 0; row < rows.rows(); ++row) files.push_back(read_probe_file(rows, row));
  return files;
}

}  // namespace mirror::db
