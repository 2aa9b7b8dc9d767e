#include "db/probe/probe_memory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace mirror::db {
namespace {

constexpr std::int64_t kContentRight = 1, kImpossibleRight = 2;
constexpr std::int64_t kMostInARow = 1'000'000;
constexpr const char* kFileColumns =
    "checked, wrong_bits, right_in_a_row, content_right, impossible_right";

// RememberedFiles of several mirrors, as columns of parameters.
class FileColumns {
 public:
  void add(const RememberedFiles& files) {
    checked_.push_back(files.checked);
    wrong_.push_back(static_cast<std::int64_t>(files.wrong_bits));
    in_a_row_.push_back(std::min(files.right_in_a_row, kMostInARow));
    seen_.push_back((files.content_right ? kContentRight : 0) |
                    (files.impossible_right ? kImpossibleRight : 0));
  }
  Params& put(Params& params) const {
    return params.int8_array(checked_).int8_array(wrong_).int8_array(in_a_row_).int8_array(seen_);
  }

 private:
  std::vector<std::int64_t> checked_, wrong_, in_a_row_, seen_;
};

}  // namespace

std::map<MirrorId, RememberedFiles> read_remembered_files(Connection& connection) {
  const Result rows = connection.run(
      "SELECT mirror_id, checked::bigint, wrong_bits, right_in_a_row::bigint, content_right, "
      "impossible_right FROM probe_memory");
  std::map<MirrorId, RememberedFiles> all;
  for (int row = 0; row < rows.rows(); ++row) {
    all[rows.int2(row, 0)] = {static_cast<int>(rows.int8(row, 1)),
                              static_cast<std::uint64_t>(rows.int8(row, 2)), rows.int8(row, 3),
                              rows.boolean(row, 4), rows.boolean(row, 5)};
  }
  return all;
}

std::map<MirrorId, RememberedWalk> read_remembered_walks(Connection& connection) {
  const Result rows = connection.run(
      "SELECT mirror_id, walk, extract(epoch FROM walk_began)::bigint, coalesce(walk_listing, '') "
      "FROM probe_memory");
  std::map<MirrorId, RememberedWalk> all;
  for (int row = 0; row < rows.rows(); ++row) {
    all[rows.int2(row, 0)] = {rows.int8_array(row, 1), rows.maybe_int8(row, 2),
                              std::string(rows.bytes(row, 3))};
  }
  return all;
}

void remember_files(Connection& connection, const std::map<MirrorId, RememberedFiles>& all) {
  if (all.empty()) return;
  FileColumns columns;
  std::vector<MirrorId> mirrors;
  for (const auto& [id, files] : all) {
    mirrors.push_back(id);
    columns.add(files);
  }
  Params params;
  columns.put(params.int2_array(mirrors));
  connection.run(
      fmt::format(
          "INSERT INTO probe_memory (mirror_id, {}) SELECT m.id, r.checked, r.wrong, r.in_a_row, "
          "r.seen & {} <> 0, r.seen & {} <> 0 FROM unnest($1::smallint[], $2::bigint[], "
          "$3::bigint[], $4::bigint[], $5::bigint[]) AS r (id, checked, wrong, in_a_row, seen) "
          "JOIN mirror m USING (id) ON CONFLICT (mirror_id) DO UPDATE SET checked = "
          "excluded.checked, wrong_bits = excluded.wrong_bits, right_in_a_row = "
          "excluded.right_in_a_row, content_right = excluded.content_right, impossible_right = "
          "excluded.impossible_right",
          kFileColumns, kContentRight, kImpossibleRight),
      params);
}

std::map<MirrorId, RememberedFiles> replace_remembered_files(
    Connection& connection, const std::map<MirrorId, RememberedFiles>& all,
    const std::map<MirrorId, RememberedFiles>& known) {
  if (all.empty()) return {};
  FileColumns columns, old_columns;
  std::vector<MirrorId> mirrors;
  for (const auto& [id, files] : all) {
    const auto old = known.find(id);
    mirrors.push_back(id);
    columns.add(files);
    old_columns.add(old == known.end() ? RememberedFiles() : old->second);
  }
  connection.run(
      "INSERT INTO probe_memory (mirror_id) SELECT id FROM mirror WHERE id = ANY ($1) ON CONFLICT "
      "DO NOTHING",
      Params().int2_array(mirrors));
  Params params;
  old_columns.put(columns.put(params.int2_array(mirrors)));
  const Result written = connection.run(
      fmt::format(
          "UPDATE probe_memory p SET ({0}) = ROW(r.checked, r.wrong, r.in_a_row, r.seen & {1} <> "
          "0, r.seen & {2} <> 0) FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], "
          "$4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[]) AS "
          "r (id, checked, wrong, in_a_row, seen, o_checked, o_wrong, o_in_a_row, o_seen) WHERE "
          "p.mirror_id = r.id AND p.checked = r.o_checked AND p.wrong_bits = r.o_wrong AND "
          "p.right_in_a_row = r.o_in_a_row AND p.content_right = (r.o_seen & {1} <> 0) AND "
          "p.impossible_right = (r.o_seen & {2} <> 0) RETURNING p.mirror_id",
          kFileColumns, kContentRight, kImpossibleRight),
      params);
  if (written.rows() == static_cast<int>(all.size())) return {};
  std::map<MirrorId, RememberedFiles> others = read_remembered_files(connection);
  std::erase_if(others, [&](const auto& other) { return !all.contains(other.first); });
  for (int row = 0; row < written.rows(); ++row) others.erase(written.int2(row, 0));
  return others;
}

void remember_walks(Connection& connection, const std::map<MirrorId, RememberedWalk>& all) {
  if (all.empty()) return;
  std::vector<MirrorId> mirrors;
  std::vector<std::string> spans, listings;
  std::vector<std::int64_t> began;
  for (const auto& [id, walk] : all) {
    mirrors.push_back(id);
    spans.push_back(fmt::format("{{{}}}", fmt::join(walk.spans, ",")));
    began.push_back(walk.began_s.value_or(-1));
    listings.push_back(walk.listing);
  }
  connection.run(
      "INSERT INTO probe_memory (mirror_id, walk, walk_began, walk_listing) SELECT m.id, "
      "r.spans::bigint[], to_timestamp(nullif(r.began, -1)::double precision), nullif(r.listing, "
      "'') FROM unnest($1::smallint[], $2::text[], $3::bigint[], $4::bytea[]) AS r (id, spans, "
      "began, listing) JOIN mirror m USING (id) ON CONFLICT (mirror_id) DO UPDATE SET walk = "
      "excluded.walk, walk_began = excluded.walk_began, walk_listing = excluded.walk_listing",
      Params().int2_array(mirrors).text_array(spans).int8_array(began).bytes_array(listings));
}

std::map<MirrorId, std::string> newest_listings(Connection& connection,
                                                const std::vector<MirrorId>& mirrors) {
  const Result rows = connection.run(
      "SELECT m.id, s.fingerprint FROM unnest($1::smallint[]) AS m (id) CROSS JOIN LATERAL (SELECT "
      "fingerprint FROM scan WHERE mirror_id = m.id AND subtree = '' AND outcome IN ('merged', "
      "'unchanged') ORDER BY started DESC LIMIT 1) AS s WHERE s.fingerprint IS NOT NULL",
      Params().int2_array(mirrors));
  std::map<MirrorId, std::string> listings;
  for (int row = 0; row < rows.rows(); ++row)
    listings[rows.int2(row, 0)] = std::string(rows.bytes(row, 1));
  return listings;
}

}  // namespace mirror::db
