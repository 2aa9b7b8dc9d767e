#include "db/files.h"

#include <algorithm>

namespace mirror::db {
namespace {

// The pattern as LIKE spells it, and the paths between which all matches lie, so that the index on
// path serves.
struct Like {
  std::string pattern;
  std::string low;                  // what every match begins with
  std::optional<std::string> high;  // the first path above those; nullopt: none
};

std::optional<std::string> first_above(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (prefix.empty()) return std::nullopt;
  ++prefix.back();
  return prefix;
}

Like like(std::string_view glob) {
  glob.remove_prefix(std::min(glob.find_first_not_of('/'), glob.size()));
  std::string whole(glob);
  if (whole.empty() || whole.ends_with('/')) whole += '*';
  Like result;
  result.low = whole.substr(0, whole.find_first_of("*?"));
  result.high = first_above(result.low);
  for (const char c : whole) {
    if (c == '*') {
      result.pattern += '%';
    } else if (c == '?') {
      result.pattern += '_';
    } else {
      if (c == '%' || c == '_' || c == '\\') result.pattern += '\\';
      result.pattern += c;
    }
  }
  return result;
}

constexpr const char* kListFiles = R"(
  SELECT f.path, f.size, f.mtime, f.kind = 'l', coalesce(f.link_target, ''), f.staged, f.pending,
         floor(extract(epoch FROM f.gone_at))::bigint, coalesce(c.mirrors, '{}')
  FROM file f
  LEFT JOIN file target ON f.kind = 'l' AND target.path = f.link_target
  LEFT JOIN cohort c ON c.id = coalesce(f.cohort_id, target.cohort_id)
  WHERE f.path > $1 AND f.path >= $2 AND ($3::bytea IS NULL OR f.path < $3) AND f.path LIKE $4)";
constexpr const char* kMissingOn =
    " AND f.kind = 'f' AND f.gone_at IS NULL AND NOT f.staged AND NOT $6 = ANY (c.mirrors)";
constexpr const char* kOutdatedOn =
    " AND f.id IN (SELECT unnest(shown) FROM behind WHERE mirror_id = $6)";

constexpr const char* kFileCounts = R"(
  SELECT mirror_id, sum(n_files)::bigint FROM cohort, unnest(mirrors) AS mirror_id GROUP BY mirror_id)";

constexpr const char* kFileTimes = R"(
  SELECT floor(extract(epoch FROM r.at))::bigint, floor(extract(epoch FROM f.gone_at))::bigint,
         floor(extract(epoch FROM f.gone_at + s.grace_s * interval '1 second'))::bigint
  FROM file f CROSS JOIN source s LEFT JOIN revision r ON r.rev = f.version_rev WHERE f.path = $1)";

constexpr const char* kListingsBegan = R"(
  SELECT mirror_id, floor(extract(epoch FROM max(started)))::bigint
  FROM scan WHERE mirror_id IS NOT NULL AND outcome IN ('merged', 'unchanged')
    AND (subtree = '' OR substring($1::bytea FOR length(subtree) + 1) = subtree || '\x2f'::bytea)
  GROUP BY mirror_id)";

constexpr const char* kLastScans = R"(
  SELECT method, outcome, error, floor(extract(epoch FROM started))::bigint, floor(extract(epoch FROM ended))::bigint,
         seen, gained, lost
  FROM scan WHERE mirror_id = $1 ORDER BY started DESC, id DESC LIMIT $2)";

}  // namespace

std::vector<ListedFile> list_files(Connection& connection, std::string_view pattern,
                                   std::string_view after, std::int32_t limit,
                                   const FileFilter& filter) {
  const Like wanted = like(pattern);
  Params params;
  params.bytes(after).bytes(wanted.low);
  wanted.high ? params.bytes(*wanted.high) : params.null();
  params.bytes(wanted.pattern).int4(limit);
  std::string statement = kListFiles;
  if (const auto mirror = filter.outdated_on ? filter.outdated_on : filter.missing_on) {
    statement += kMissingOn;
    if (filter.outdated_on) statement += kOutdatedOn;
    params.int2(*mirror);
  }
  const Result result = connection.run(statement + " ORDER BY f.path LIMIT $5", params);
  std::vector<ListedFile> files;
  for (int row = 0; row < result.rows(); ++row) {
    ListedFile& file = files.emplace_back();
    file.path = result.bytes(row, 0);
    file.size_bytes = result.int8(row, 1);
    file.mtime_s = result.int8(row, 2);
    file.is_link = result.boolean(row, 3);
    file.link_target = result.bytes(row, 4);
    file.staged = result.boolean(row, 5);
    file.pending = result.boolean(row, 6);
    file.gone_s = result.maybe_int8(row, 7);
    file.mirrors = result.int2_array(row, 8);
  }
  return files;
}

std::map<MirrorId, std::int64_t> file_counts(Connection& connection) {
  const Result result = connection.run(kFileCounts);
  std::map<MirrorId, std::int64_t> counts;
  for (int row = 0; row < result.rows(); ++row) counts[result.int2(row, 0)] = result.int8(row, 1);
  return counts;
}

FileTimes file_times(Connection& connection, std::string_view path) {
  const Result rows = connection.run(kFileTimes, Params().bytes(path));
  if (rows.empty()) return {};
  const auto time_at = [&rows](int column) {
    return rows.is_null(0, column) ? std::nullopt : std::optional(rows.int8(0, column));
  };
  return {time_at(0), time_at(1), time_at(2)};
}

std::map<MirrorId, std::int64_t> listings_began(Connection& connection, std::string_view path) {
  const Result result = connection.run(kListingsBegan, Params().bytes(path));
  std::map<MirrorId, std::int64_t> began;
  for (int row = 0; row < result.rows(); ++row) began[result.int2(row, 0)] = result.int8(row, 1);
  return began;
}

std::vector<ScanRun> last_scans(Connection& connection, MirrorId mirror, std::int32_t limit) {
  const Result result = connection.run(kLastScans, Params().int2(mirror).int4(limit));
  std::vector<ScanRun> runs;
  for (int row = 0; row < result.rows(); ++row) {
    ScanRun& run = runs.emplace_back();
    run.method = result.bytes(row, 0);
    run.outcome = result.bytes(row, 1);
    run.error = result.bytes(row, 2);
    run.started_s = result.int8(row, 3);
    run.ended_s = result.maybe_int8(row, 4);
    run.seen = result.int8(row, 5);
    run.gained = result.int8(row, 6);
    run.lost = result.int8(row, 7);
  }
  return runs;
}

}  // namespace mirror::db
