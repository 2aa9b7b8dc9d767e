#include "db/merge/head_sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "db/merge/merge.h"
#include "db/path_rules.h"

namespace mirror::db {
namespace {

// Pending ones keep the mirrors that they have, whatever is listed.
constexpr const char* kSelect =
    "SELECT f.id, f.version_rev, f.path, f.size, least(f.mtime, (SELECT min(t) FROM hash h, "
    "unnest(h.mtimes) t WHERE h.file_id = f.id AND h.version_rev = f.version_rev)), "
    "coalesce(c.had, false) FROM file f LEFT JOIN (SELECT id, true AS had FROM cohort WHERE $1 = "
    "ANY (mirrors) OFFSET 0) c ON c.id = f.cohort_id WHERE f.kind = 'f' AND f.gone_at IS NULL AND "
    "NOT f.staged AND NOT f.pending AND ($2::bytea IS NULL OR f.path > $2 AND f.path < $3) AND "
    "f.id <> ALL ($4) AND ";

// In head_turn: its revision is of a sample, or of an ordinary turn that came after one.
constexpr std::int64_t kBySample = -1;

}  // namespace

HeadSample::HeadSample(Connection& connection, MirrorId mirror, std::string folder)
    : connection_(connection),
      mirror_(mirror),
      folder_(std::move(folder)),
      rules_(load_path_rules(connection)),
      newest_rev_(newest_rev(connection)) {
  // A mirror that lost everything begins anew.
  const Result found = connection_.run(
      "SELECT rev FROM head_turn WHERE mirror_id = $1 AND at_id = $2 AND EXISTS "
      "(SELECT FROM cohort WHERE n_files > 0 AND $1 = ANY (mirrors))",
      Params().int2(mirror).int8(kBySample));
  if (!found.empty()) after_ = found.int8(0, 0);
}

std::vector<SampleFile> HeadSample::choose(std::int32_t count) {
  std::vector<SampleFile> files =
      read(is_first() ? "true" : "c.had", "random()", count - count / 4, {});
  for (const SampleFile& file : files) chosen_.push_back(file.id);
  for (SampleFile& file :
       read(fmt::format("f.earlier_sizes IS NULL AND f.version_rev > {} AND f.version_rev <= {}",
                        after_, newest_rev_),
            "f.version_rev DESC, random()", count / 4, chosen_)) {
    file.newest = true;
    chosen_.push_back(file.id);
    files.push_back(std::move(file));
  }
  return files;
}

TakenForListed HeadSample::take(std::int64_t upto) const {
  return {
      .after = after_, .upto = std::max(after_, std::min(upto, newest_rev_)), .folder = folder_};
}

std::vector<SampleFile> HeadSample::ask_alone(const TakenForListed& taken, std::int32_t limit) {
  return read(fmt::format("c.had IS NULL AND NOT (f.earlier_sizes IS NULL AND f.version_rev > {} "
                          "AND f.version_rev <= {})",
                          taken.after, taken.upto),
              "random()", limit, chosen_);
}

std::vector<SampleFile> HeadSample::read(const std::string& condition, const std::string& order,
                                         std::int32_t limit, const std::vector<std::int64_t>& but) {
  Params params;
  params.int2(mirror_);
  if (folder_.empty())
    params.null().null();
  else
    params.bytes(folder_ + '/').bytes(folder_ + char('/' + 1));
  params.int8_array(but).int4(std::max(limit, 0));
  const Result rows =
      connection_.run(fmt::format("{}{} ORDER BY {} LIMIT $5", kSelect, condition, order), params);
  std::vector<SampleFile> files;
  for (int row = 0; row < rows.rows(); ++row) {
    SampleFile& file = files.emplace_back();
    file.id = rows.int8(row, 0);
    file.version_rev = rows.int8(row, 1);
    file.path = rows.bytes(row, 2);
    file.size_bytes = rows.int8(row, 3);
    file.not_before_s = rules_.is_immutable(file.path) ? std::numeric_limits<std::int64_t>::min()
                                                       : rows.int8(row, 4);
    file.had = rows.boolean(row, 5);
  }
  return files;
}

void HeadSample::keep(const TakenForListed& taken, bool with_newest) {
  connection_.run(
      "INSERT INTO head_turn (mirror_id, rev, at_rev, at_id, path) SELECT id, $2, 0, $3, '' FROM "
      "mirror WHERE id = $1 ON CONFLICT (mirror_id) DO UPDATE SET rev = excluded.rev, at_rev = 0, "
      "at_id = excluded.at_id",
      Params().int2(mirror_).int8(with_newest ? newest_rev_ : taken.upto).int8(kBySample));
}

}  // namespace mirror::db
