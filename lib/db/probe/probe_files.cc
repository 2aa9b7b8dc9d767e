#include "db/probe/probe_files.h"

#include <fmt/format.h>

#include <algorithm>

namespace mirror::db {
namespace {

constexpr int kPlaces = 32, kFilesEach = 32;  // of a sample
constexpr int kPiece = 20'000;                // rows that a search reads at a time

constexpr const char* kColumns = "f.id, f.path, f.size, f.mtime, f.cohort_id";
// A mirror can be asked for these: what the source has now, and whose version is certain.
constexpr const char* kServed =
    "f.kind = 'f' AND f.gone_at IS NULL AND f.cohort_id IS NOT NULL AND NOT f.staged AND NOT "
    "f.pending";

ProbeFile read_file(const Result& rows, int row) {
  return {rows.int8(row, 0), std::string(rows.bytes(row, 1)), rows.int8(row, 2), rows.int8(row, 3),
          rows.int8(row, 4)};
}

std::string sample_statement() {
  return fmt::format(
      "SELECT DISTINCT ON (f.id) {} FROM (SELECT min(id) AS first, max(id) AS last FROM file) AS "
      "b, "
      "LATERAL (SELECT b.first + floor(random() * (b.last - b.first + 1))::bigint AS place "
      "FROM generate_series(1, {})) AS p, "
      "LATERAL (SELECT * FROM file WHERE id >= p.place ORDER BY id LIMIT {}) AS f WHERE {}",
      kColumns, kPlaces, kFilesEach, kServed);
}

}  // namespace

void ProbeFiles::sample(Connection& connection) {
  files_.clear();
  cohorts_.clear();
  const Result rows = connection.run(sample_statement());
  for (int row = 0; row < rows.rows(); ++row) {
    files_.push_back(read_file(rows, row));
    cohorts_[files_.back().cohort_id];
  }
  std::vector<std::int64_t> ids;
  for (const auto& cohort : cohorts_) ids.push_back(cohort.first);
  const Result members = connection.run("SELECT id, mirrors FROM cohort WHERE id = ANY ($1)",
                                        Params().int8_array(ids));
  for (int row = 0; row < members.rows(); ++row)
    cohorts_[members.int8(row, 0)] = members.int2_array(row, 1);
}

std::optional<ProbeFile> ProbeFiles::choose(Connection& connection, MirrorId id) {
  const std::size_t count = files_.size();
  const std::size_t start = count > 0 ? random_() % count : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const ProbeFile& file = files_[(start + i) % count];
    const std::vector<MirrorId>& mirrors = cohorts_.at(file.cohort_id);
    if (std::binary_search(mirrors.begin(), mirrors.end(), id)) return file;
  }
  return search(connection, id);
}

std::optional<ProbeFile> ProbeFiles::search(Connection& connection, MirrorId id) {
  Search& search = searches_[id];
  const std::string has = fmt::format(
      "{} AND EXISTS (SELECT FROM cohort c WHERE c.id = f.cohort_id AND $1 = ANY (c.mirrors))",
      kServed);
  if (search.found) {
    const Result known =
        connection.run(fmt::format("SELECT {} FROM file f WHERE f.id = $2 AND {}", kColumns, has),
                       Params().int2(id).int8(*search.found));
    if (!known.empty()) return read_file(known, 0);
    search.found.reset();
  }
  const Result any =
      connection.run("SELECT EXISTS (SELECT FROM cohort WHERE n_files > 0 AND $1 = ANY (mirrors))",
                     Params().int2(id));
  if (!any.boolean(0, 0)) return std::nullopt;
  const Result rows = connection.run(
      fmt::format("WITH piece AS (SELECT * FROM file WHERE id > $2 ORDER BY id LIMIT {}) "
                  "(SELECT {}, true AS hit FROM piece f WHERE {} LIMIT 1) UNION ALL "
                  "SELECT max(id), ''::bytea, 0, 0, 0, false FROM piece ORDER BY hit DESC LIMIT 1",
                  kPiece, kColumns, has),
      Params().int2(id).int8(search.after_id));
  if (rows.boolean(0, 5)) {
    search.found = rows.int8(0, 0);
    return read_file(rows, 0);
  }
  search.after_id = rows.maybe_int8(0, 0).value_or(0);  // behind the end: from the start again
  return std::nullopt;
}

}  // namespace mirror::db
