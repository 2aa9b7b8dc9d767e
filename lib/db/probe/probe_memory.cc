#include "db/probe/probe_memory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace mirror::db {
namespace {

constexpr std::int64_t kContentRight = 1, kImpossibleRight = 2;

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
  std::vector<MirrorId> mirrors;
  std::vector<std::int64_t> checked, wrong, in_a_row, seen;
  for (const auto& [id, files] : all) {
    mirrors.push_back(id);
    checked.push_back(files.checked);
    wrong.push_back(static_cast<std::int64_t>(files.wrong_bits));
    in_a_row.push_back(std::min<std::int64_t>(files.right_in_a_row, 1'000'000));
    seen.push_back((files.content_right ? kContentRight : 0) |
                   (files.impossible_right ? kImpossibleRight : 0));
  }
  connection.run(
      fmt::format(
          "INSERT INTO probe_memory (mirror_id, checked, wrong_bits, right_in_a_row, "
          "content_right, impossible_right) SELECT m.id, r.checked, r.wrong, r.in_a_row, r.seen & "
          "{} <> 0, r.seen & {} <> 0 FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], "
          "$4::bigint[], $5::bigint[]) AS r (id, checked, wrong, in_a_row, seen) JOIN mirror m "
          "USING (id) ON CONFLICT (mirror_id) DO UPDATE SET checked = excluded.checked, wrong_bits "
          "= excluded.wrong_bits, right_in_a_row = excluded.right_in_a_row, content_right = "
          "excluded.content_right, impossible_right = excluded.impossible_right",
          kContentRight, kImpossibleRight),
      Params()
          .int2_array(mirrors)
          .int8_array(checked)
          .int8_array(wrong)
          .int8_array(in_a_row)
          .int8_array(seen));
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
