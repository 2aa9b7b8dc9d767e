#include "db/probe/probe_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "db/probe/probe_file_rows.h"

namespace mirror::db {
const char* const kProbeColumns =
    "f.id, f.path, f.size, f.mtime, f.version_rev, f.cohort_id, coalesce((SELECT h.mtimes FROM "
    "hash "
    "h WHERE h.file_id = f.id AND h.version_rev = f.version_rev), '{}')";
const char* const kProbeServed =
    "f.kind = 'f' AND f.gone_at IS NULL AND f.cohort_id IS NOT NULL AND NOT f.staged AND NOT "
    "f.pending";
const char* const kProbeSize =
    "NOT EXISTS (SELECT FROM mirror m WHERE m.id = $1 AND m.file_maxsize > 0 AND f.size > "
    "m.file_maxsize)";

ProbeFile read_probe_file(const Result& rows, int row) {
  ProbeFile file{rows.int8(row, 0), std::string(rows.bytes(row, 1)),
                 rows.int8(row, 2), {rows.int8(row, 3)},
                 rows.int8(row, 4), rows.int8(row, 5)};
  for (const std::int64_t mtime_s : rows.int8_array(row, 6))
    if (mtime_s != file.mtimes_s.front()) file.mtimes_s.push_back(mtime_s);
  return file;
}

std::string has_probe_file() {
  return fmt::format(
      "{} AND EXISTS (SELECT FROM cohort c WHERE c.id = f.cohort_id AND $1 = ANY (c.mirrors)) AND "
      "{}",
      kProbeServed, kProbeSize);
}

namespace {

constexpr int kPlaces = 32, kFilesEach = 32;  // of a sample
constexpr int kPiece = 20'000;                // rows that a search reads at a time
constexpr int kAsked = 200;                   // of those that are asked for most
constexpr int kKnown = 64;                    // files of a mirror that a search remembers

std::string sample_statement() {
  return fmt::format(
      "SELECT DISTINCT ON (f.id) {} FROM (SELECT min(id) AS first, max(id) AS last FROM file) AS "
      "b, "
      "LATERAL (SELECT b.first + floor(random() * (b.last - b.first + 1))::bigint AS place "
      "FROM generate_series(1, {})) AS p, "
      "LATERAL (SELECT * FROM file WHERE id >= p.place ORDER BY id LIMIT {}) AS f WHERE {}",
      kProbeColumns, kPlaces, kFilesEach, kProbeServed);
}

std::string asked_statement() {
  return fmt::format(
      "SELECT {} FROM demand d JOIN file f ON f.id = d.file_id WHERE {} ORDER BY "
      "demand_now(d.requests, d.at) DESC, f.id LIMIT {}",
      kProbeColumns, kProbeServed, kAsked);
}

}  // namespace

void ProbeFiles::add_sample(const Result& rows, std::vector<ProbeFile>& files) {
  files.clear();
  for (int row = 0; row < rows.rows(); ++row) {
    files.push_back(read_probe_file(rows, row));
    cohorts_[files.back().cohort_id];
  }
}

void ProbeFiles::sample(Connection& connection) {
  cohorts_.clear();
  add_sample(connection.run(sample_statement()), files_);
  add_sample(connection.run(asked_statement()), asked_);
  std::vector<std::int64_t> ids;
  for (const auto& cohort : cohorts_) ids.push_back(cohort.first);
  const Result members = connection.run("SELECT id, mirrors FROM cohort WHERE id = ANY ($1)",
                                        Params().int8_array(ids));
  for (int row = 0; row < members.rows(); ++row)
    cohorts_[members.int8(row, 0)] = members.int2_array(row, 1);
  limits_.clear();
  const Result limits =
      connection.run("SELECT id, file_maxsize FROM mirror WHERE file_maxsize > 0");
  for (int row = 0; row < limits.rows(); ++row) limits_[limits.int2(row, 0)] = limits.int8(row, 1);
}

bool ProbeFiles::is_too_large(MirrorId id, const ProbeFile& file) const {
  const auto limit = limits_.find(id);
  return limit != limits_.end() && file.size_bytes > limit->second;
}

std::optional<ProbeFile> ProbeFiles::choose(Connection& connection, MirrorId id, bool thoroughly) {
  if (auto file = choose_of(files_, id)) return file;
  return search(connection, id, thoroughly);
}

std::optional<ProbeFile> ProbeFiles::choose_asked(MirrorId id) { return choose_of(asked_, id); }

std::optional<ProbeFile> ProbeFiles::choose_of(const std::vector<ProbeFile>& files, MirrorId id) {
  const std::size_t count = files.size();
  const std::size_t start = count > 0 ? random_() % count : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const ProbeFile& file = files[(start + i) % count];
    const std::vector<MirrorId>& mirrors = cohorts_.at(file.cohort_id);
    if (std::binary_search(mirrors.begin(), mirrors.end(), id) && !is_too_large(id, file))
      return file;
  }
  return std::nullopt;
}

std::optional<ProbeFile> ProbeFiles::one(Connection& connection, MirrorId id,
                                         std::int64_t file_id) {
  const Result found = connection.run(
      fmt::format("SELECT {} FROM file f WHERE f.id = $2 AND {}", kProbeColumns, has_probe_file()),
      Params().int2(id).int8(file_id));
  if (found.empty()) return std::nullopt;
  return read_probe_file(found, 0);
}

std::optional<ProbeFile> ProbeFiles::again(Connection& connection, MirrorId id,
                                           const ProbeFile& file) {
  std::optional<ProbeFile> now = one(connection, id, file.id);
  if (now && now->version_rev != file.version_rev) now.reset();
  return now;
}

std::optional<ProbeFile> ProbeFiles::at_path(Connection& connection, std::string_view path) {
  const Result found = connection.run(
      fmt::format("SELECT {} FROM file f WHERE f.path = $1 AND f.kind = 'f' AND f.cohort_id IS NOT "
                  "NULL AND NOT f.staged",
                  kProbeColumns),
      Params().bytes(path));
  if (found.empty()) return std::nullopt;
  return read_probe_file(found, 0);
}

AtSource ProbeFiles::at_source(Connection& connection, const ProbeFile& file) {
  const Result row = connection.run(
      "SELECT gone_at IS NOT NULL, version_rev, pending OR staged FROM file WHERE id = $1",
      Params().int8(file.id));
  if (row.empty() || row.boolean(0, 0)) return AtSource::gone;
  if (row.int8(0, 1) != file.version_rev) return AtSource::changed;
  return row.boolean(0, 2) ? AtSource::pending : AtSource::same;
}

std::optional<ProbeFile> ProbeFiles::search(Connection& connection, MirrorId id, bool thoroughly) {
  const Result any =
      connection.run("SELECT EXISTS (SELECT FROM cohort WHERE n_files > 0 AND $1 = ANY (mirrors))",
                     Params().int2(id));
  if (!any.boolean(0, 0)) return std::nullopt;
  Search& search = searches_[id];
  if (auto file = take_next(connection, id, search)) return file;
  for (bool more = true; more && search.next.empty();)
    more = search_piece(connection, id, search) && thoroughly;
  if (auto file = take_next(connection, id, search)) return file;
  std::swap(search.next, search.known);
  return take_next(connection, id, search);
}

// A random one of those that were found and not asked for yet.
std::optional<ProbeFile> ProbeFiles::take_next(Connection& connection, MirrorId id,
                                               Search& search) {
  while (!search.next.empty()) {
    std::swap(search.next[random_() % search.next.size()], search.next.back());
    const std::int64_t file_id = search.next.back();
    search.next.pop_back();
    std::optional<ProbeFile> file = one(connection, id, file_id);
    if (!file) continue;
    if (search.known.size() >= kKnown) search.known.clear();
    search.known.push_back(file_id);
    return file;
  }
  return std::nullopt;
}

// Begins at any place of the table, so that a prober that is started often asks for all files.
// Whether there is more of the table.
bool ProbeFiles::search_piece(Connection& connection, MirrorId id, Search& search) {
  if (!search.after_id) {
    const Result ends =
        connection.run("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM file");
    search.first_id = ends.int8(0, 0);
    search.after_id = search.began_id =
        search.first_id - 1 +
        static_cast<std::int64_t>(
            random_() % static_cast<std::uint64_t>(ends.int8(0, 1) - search.first_id + 1));
    search.wrapped = false;
  }
  const Result rows = connection.run(
      fmt::format("WITH piece AS (SELECT * FROM file WHERE id > $2 ORDER BY id LIMIT {}) "
                  "(SELECT id, true FROM piece f WHERE {} ORDER BY id LIMIT {}) UNION ALL "
                  "SELECT max(id), false FROM piece",
                  kPiece, has_probe_file(), kKnown),
      Params().int2(id).int8(*search.after_id));
  const int hits = rows.rows() - 1;
  for (int row = 0; row < hits; ++row) search.next.push_back(rows.int8(row, 0));
  const std::optional<std::int64_t> last = rows.maybe_int8(hits, 0);
  bool done = false;
  if (!last) {  // behind the end: from the start
    search.after_id = search.first_id - 1;
    done = std::exchange(search.wrapped, true);
  } else {
    search.after_id = hits == kKnown ? search.next.back() : *last;
    done = search.wrapped && *search.after_id >= search.began_id;
  }
  if (done) search.after_id.reset();
  return !done;
}

}  // namespace mirror::db
