#include "db/feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "core/limits.h"
#include "core/path.h"
#include "db/former_versions.h"
#include "db/hash/hash_rows.h"
#include "db/merge/changes.h"
#include "db/mirror_ids.h"
#include "db/new_files.h"
#include "db/session.h"

namespace mirror::db {
namespace {

constexpr int kFilesPerPage = 4000;
constexpr int kFilesWithHashesPerPage = 64;  // one may have a hundred kilobytes of pieces
constexpr int kFirstHash = 10;               // the columns before it are the file's
constexpr int kCohortsPerPage = 2000;
constexpr double kMaxGoneS = 253402300800;  // the year 10000, as the schema has it

// A row of file that anybody may see, for its grace time at least.
constexpr const char* kShown = "NOT f.staged AND (f.kind = 'l' OR f.cohort_id IS NOT NULL)";

// Versions up to this revision are not new: looking each one up would take long.
std::int64_t last_old_rev(Connection& connection) {
  const Result row = connection.run(
      "SELECT coalesce((SELECT rev FROM revision WHERE at <= now() - interval '1 day' ORDER BY rev "
      "DESC LIMIT 1), 0)");
  return row.int8(0, 0);
}

std::string file_query(const std::string& which, HashParts parts, std::int64_t old_rev) {
  const bool all = parts != HashParts::redirect;
  return fmt::format(
      "SELECT f.path, {0}, f.kind = 'l', coalesce(f.link_target, ''), f.size, f.mtime, "
      "coalesce(f.cohort_id, 0), "
      "extract(epoch FROM f.gone_at)::float8, f.pending, "
      "CASE WHEN f.version_rev > {3} THEN " NEW_SINCE
      " END, {1} "
      "FROM file f LEFT JOIN hash h ON h.file_id = f.id AND h.version_rev = f.version_rev AND NOT "
      "f.pending "
      "WHERE {2} ORDER BY f.path",
      kShown,
      all ? std::string(kSmallHashes) + kLargeHashes
          : "h.sha256, h.btih IS NOT NULL, h.btih_v1 IS NOT NULL, h.signature_kind",
      which, old_rev);
}

[[noreturn]] void out_of_range(const char* column) {
  throw Error(fmt::format("{} is out of range", column), "22003");
}

std::int64_t gone_second(double gone_s) {
  if (!(std::abs(gone_s) < kMaxGoneS)) out_of_range("gone_at");  // of infinity and NaN too
  return static_cast<std::int64_t>(std::floor(gone_s));
}

std::int64_t bounded_rev(std::int64_t rev) {
  if (rev < 0 || rev > kMaxRev) out_of_range("rev");
  return rev;
}

// Throws Error for what a catalog cannot hold.
FeedFile file_of(const Result& rows, int row, HashParts parts) {
  FeedFile file;
  file.path = rows.bytes(row, 0);
  file.shown = rows.boolean(row, 1);
  if (!file.shown) return file;
  if (rows.boolean(row, 2)) file.link_target = rows.bytes(row, 3);
  file.size_bytes = rows.int8(row, 4);
  if (file.size_bytes < 0) out_of_range("size");
  file.mtime_s = rows.int8(row, 5);
  file.cohort_id = rows.int8(row, 6);
  if (!rows.is_null(row, 7)) file.gone_s = gone_second(rows.float8(row, 7));
  file.pending = rows.boolean(row, 8);
  if (!rows.is_null(row, 9)) file.new_since_s = rows.int8(row, 9);
  if (parts != HashParts::redirect) {
    file.hashes = read_hashes(rows, row, kFirstHash, parts);
    return file;
  }
  if (!rows.is_null(row, kFirstHash)) file.hashes.sha256 = rows.bytes(row, kFirstHash);
  file.hashes.btih_exists = rows.boolean(row, kFirstHash + 1);
  file.hashes.btih_v1_exists = rows.boolean(row, kFirstHash + 2);
  file.hashes.signature_kind = read_signature_kind(rows, row, kFirstHash + 3);
  return file;
}

// `rev`: an expression for a revision that is not below the lost one.
[[noreturn]] void lacks_row(const char* table, const std::string& rev) {
  throw Error(fmt::format("table {0} has lost its one row: as the database's owner run "
                          "INSERT INTO {1}.{0} (rev) SELECT {2}",
                          table, kSchemaName, rev),
              "");
}

struct FreeNotify {
  void operator()(PGnotify* notify) const { PQfreemem(notify); }
};

}  // namespace

bool listen_for_news(Connection& connection) {
  try {
    connection.script("LISTEN mirror_feed");
    return true;
  } catch (const ConnectionError&) {
    throw;
  } catch (const Error&) {
    return false;
  }
}

bool had_news(Connection& connection) {
  if (!PQconsumeInput(connection.raw()))
    throw ConnectionError(std::string("lost the connection: ") + PQerrorMessage(connection.raw()));
  bool news = false;
  while (const std::unique_ptr<PGnotify, FreeNotify> notify{PQnotifies(connection.raw())})
    news = true;
  return news;
}

FeedState feed_state(Connection& connection) {
  const Result row = connection.run(
      "SELECT coalesce(r.rev, 0), coalesce(r.token::text, ''), s.grace_s "
      "FROM (SELECT grace_s FROM source LIMIT 1) s "
      "LEFT JOIN LATERAL (SELECT rev, token FROM revision WHERE rev <= $1 ORDER BY rev DESC LIMIT "
      "1) r ON true",
      Params().int8(kMaxRev), "feed_state");
  if (row.empty())
    lacks_row("source", fmt::format("coalesce(max(rev), 0) FROM {}.revision", kSchemaName));
  const double grace_s = row.float8(0, 2);
  const bool in_range = grace_s >= 0 && grace_s <= kMaxGraceS;  // which NaN is not
  return {row.int8(0, 0), std::string(row.bytes(0, 1)), in_range ? grace_s : kDefaultGraceS};
}

std::int64_t mirrors_rev(Connection& connection) {
  const Result row = connection.run("SELECT rev FROM mirror_rev LIMIT 1", {}, "mirrors_rev");
  if (row.empty()) lacks_row("mirror_rev", "extract(epoch FROM now())::bigint");
  return row.int8(0, 0);
}

bool knows_revision(Connection& connection, std::int64_t rev, const std::string& token) {
  return !connection
              .run("SELECT FROM revision WHERE rev = $1 AND token::text = $2",
                   Params().int8(rev).text(token))
              .empty();
}

FeedSnapshot::FeedSnapshot(Connection& connection)
    : connection_(connection),
      transaction_(connection,
                   "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
                   "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL lock_timeout = '10s'"),
      state_(feed_state(connection)) {}

FeedFile FeedSnapshot::read_file(const Result& rows, int row, HashParts parts) {
  try {
    return file_of(rows, row, parts);
  } catch (const Error& error) {
    FeedFile left_out;
    left_out.path = rows.bytes(row, 0);
    unreadable_.add(fmt::format("file '{}'", printable(left_out.path)), error.what());
    return left_out;
  }
}

std::vector<FeedSnapshot::Cohort> FeedSnapshot::read_cohorts(const Result& rows) {
  std::vector<Cohort> cohorts(static_cast<std::size_t>(rows.rows()));
  for (int row = 0; row < rows.rows(); ++row) {
    Cohort& cohort = cohorts[static_cast<std::size_t>(row)];
    cohort.id = rows.int8(row, 0);
    cohort.files = rows.int8(row, 2);
    try {
      cohort.mirrors = mirrors_in(rows, row, 1);
      cohort.rev = bounded_rev(rows.int8(row, 3));
    } catch (const Error&) {
      cohort.mirrors.clear();
      unreadable_.add(fmt::format("cohort {}", cohort.id),
                      "its mirrors are not a list of ids, or its rev is out of range");
    }
  }
  return cohorts;
}

void FeedSnapshot::each_page(const std::string& query, const Params& params, int rows,
                             const std::function<void(const Result&)>& page) {
  connection_.run("DECLARE feed NO SCROLL CURSOR FOR " + query, params);
  const std::string fetch = fmt::format("FETCH {} FROM feed", rows);
  for (;;) {
    const Result result = connection_.run(fetch);
    if (!result.empty()) page(result);
    if (result.rows() < rows) break;
  }
  connection_.script("CLOSE feed");
}

void FeedSnapshot::each_cohort_above(std::int64_t rev, const CohortPage& page) {
  each_page("SELECT id, mirrors, n_files, rev FROM cohort WHERE rev > $1", Params().int8(rev),
            kCohortsPerPage, [&](const Result& rows) { page(read_cohorts(rows)); });
}

std::vector<FeedSnapshot::Group> FeedSnapshot::groups_above(std::int64_t rev) {
  const Result rows = connection_.run(
      "SELECT folder, anchored, mirrors, rev FROM mutable_group WHERE rev > $1 ORDER BY folder",
      Params().int8(rev), "feed_groups");
  std::vector<Group> groups(static_cast<std::size_t>(rows.rows()));
  for (int row = 0; row < rows.rows(); ++row) {
    Group& group = groups[static_cast<std::size_t>(row)];
    group.folder = rows.bytes(row, 0);
    group.anchored = rows.boolean(row, 1);
    group.rev = bounded_rev(rows.int8(row, 3));
    try {
      group.mirrors = mirrors_in(rows, row, 2);
    } catch (const Error&) {
      unreadable_.add(fmt::format("mutable group '{}'", printable(group.folder)),
                      "its mirrors are not a list of ids");
    }
  }
  add_former_versions(groups, rev);
  return groups;
}

// Both are in the order of folders.
void FeedSnapshot::add_former_versions(std::vector<Group>& groups, std::int64_t rev) {
  auto group = groups.begin();
  for (auto& [folder, version] : former_versions_above(connection_, rev, unreadable_)) {
    while (group != groups.end() && group->folder < folder) ++group;
    if (group != groups.end() && group->folder == folder)
      group->former.push_back(std::move(version));
  }
}

std::vector<FeedSnapshot::Cohort> FeedSnapshot::cohorts(const std::vector<std::int64_t>& ids) {
  return read_cohorts(
      connection_.run("SELECT id, mirrors, n_files, rev FROM cohort WHERE id = ANY ($1)",
                      Params().int8_array(ids), "feed_cohorts"));
}

void FeedSnapshot::each_file_above(std::int64_t rev, HashParts parts, const FilePage& page) {
  if (rev == 0) return each_file_until(std::numeric_limits<std::int64_t>::max(), parts, page);
  // All rows are read; for the whole table the index on paths gives the order, for a part a sort.
  connection_.script("SET LOCAL cursor_tuple_fraction = 1");
  each_file(changed_above(connection_, rev, kFileOrHashRev), parts, page);
}

void FeedSnapshot::each_file_until(std::int64_t rev, HashParts parts, const FilePage& page) {
  connection_.script("SET LOCAL enable_sort = off");
  each_file(fmt::format("{} AND {} <= {}", kShown, kFileOrHashRev, rev), parts, page);
}

void FeedSnapshot::each_file(const std::string& which, HashParts parts, const FilePage& page) {
  const int per_page = parts != HashParts::redirect ? kFilesWithHashesPerPage : kFilesPerPage;
  const std::string query = file_query(which, parts, last_old_rev(connection_));
  each_page(query, {}, per_page, [&](const Result& rows) {
    std::vector<FeedFile> files;
    files.reserve(static_cast<std::size_t>(rows.rows()));
    for (int row = 0; row < rows.rows(); ++row) {
      FeedFile& file = files.emplace_back(read_file(rows, row, parts));
      if (file.hashes.zsync.block_bytes == 0) continue;
      load_zsync_sums(connection_, rows.int8(row, kFirstHash + kHashFileId),
                      rows.int8(row, kFirstHash + kHashVersionRev), file.hashes.zsync);
    }
    page(files);
  });
}

std::vector<std::string> FeedSnapshot::without(const std::vector<std::string>& paths, bool links,
                                               std::int64_t rev) {
  const Result rows = connection_.run(
      fmt::format(
          "SELECT p FROM unnest($1) AS p WHERE NOT EXISTS (SELECT FROM file f WHERE f.path = p AND "
          "(f.rev > $3 OR (f.kind = 'l') = $2 AND {}))",
          kShown),
      Params().bytes_array(paths).boolean(links).int8(rev), "feed_without");
  std::vector<std::string> lacking;
  for (int row = 0; row < rows.rows(); ++row) lacking.emplace_back(rows.bytes(row, 0));
  return lacking;
}

}  // namespace mirror::db
