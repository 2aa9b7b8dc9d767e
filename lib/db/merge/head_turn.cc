#include "db/merge/head_turn.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "db/merge/changes.h"
#include "db/merge/merge.h"

namespace mirror::db {
namespace {

// Pending ones keep the mirrors that they have, whatever is listed.
constexpr const char* kSelect =
    "SELECT f.id, f.version_rev, f.path, coalesce($1 = ANY (c.mirrors), false) FROM file f "
    "LEFT JOIN cohort c ON c.id = f.cohort_id WHERE f.kind = 'f' AND f.gone_at IS NULL AND NOT "
    "f.staged AND NOT f.pending AND f.path > $2 AND ($3::bytea IS NULL OR f.path < $3) AND ";

}  // namespace

HeadTurn::HeadTurn(Connection& connection, MirrorId mirror, std::string folder)
    : connection_(connection),
      mirror_(mirror),
      folder_(std::move(folder)),
      upto_rev_(newest_rev(connection)),
      rev_(upto_rev_) {
  const Result found = connection_.run(
      "SELECT rev, at_rev, at_id, path FROM head_turn WHERE mirror_id = $1", Params().int2(mirror));
  if (!found.empty()) {
    rev_ = found.int8(0, 0);
    at_rev_ = found.int8(0, 1);
    at_id_ = found.int8(0, 2);
    start_ = found.bytes(0, 3);
  }
  next_rev_ = at_rev_, next_id_ = at_id_;
  path_ = next_path_ = start_;
}

std::vector<TurnFile> HeadTurn::next(std::int32_t limit, std::int64_t budget) {
  std::vector<TurnFile> files;
  if (step_ == Step::fresh) {
    const std::int64_t left = budget - budget / 10 - new_handed_;
    if (left > 0) files = read_new(static_cast<std::int32_t>(std::min<std::int64_t>(limit, left)));
    all_new_ = left > 0 && files.empty();
    if (files.empty()) step_ = Step::rest;
    new_handed_ += static_cast<std::int64_t>(files.size());
  }
  while (files.empty() && step_ != Step::end) {
    files = read_by_path(limit);
    if (!files.empty()) break;
    step_ = step_ == Step::rest && !start_.empty() ? Step::from_start : Step::end;
    next_path_.clear();
  }
  handed_ += static_cast<std::int64_t>(files.size());
  return files;
}

std::vector<TurnFile> HeadTurn::read_new(std::int32_t limit) {
  std::vector<TurnFile> files =
      read(fmt::format("{} AND f.version_rev > {} AND f.version_rev <= {} AND (f.version_rev, "
                       "f.id) > ({}, {})",
                       changed_above(connection_, rev_), rev_, upto_rev_, next_rev_, next_id_),
           "f.version_rev, f.id", selected(limit), true);
  if (!files.empty()) next_rev_ = files.back().version_rev, next_id_ = files.back().id;
  return files;
}

std::vector<TurnFile> HeadTurn::read_by_path(std::int32_t limit) {
  const bool ends = step_ == Step::from_start;
  Params params = selected(limit);
  params.bytes(next_path_);
  if (ends)
    params.bytes(start_);
  else
    params.null();
  std::vector<TurnFile> files =
      read(fmt::format("f.version_rev <= {} AND f.path > $5 AND ($6::bytea IS NULL OR f.path <= "
                       "$6)",
                       rev_),
           "f.path", params, false);
  if (!files.empty()) next_path_ = files.back().path;
  return files;
}

// For kSelect.
Params HeadTurn::selected(std::int32_t limit) const {
  Params params;
  params.int2(mirror_);
  if (folder_.empty())
    params.bytes("").null();
  else
    params.bytes(folder_ + '/').bytes(folder_ + char('/' + 1));
  return params.int4(limit);
}

std::vector<TurnFile> HeadTurn::read(const std::string& condition, const char* order,
                                     const Params& params, bool is_new) {
  const Result rows =
      connection_.run(fmt::format("{}{} ORDER BY {} LIMIT $4", kSelect, condition, order), params);
  std::vector<TurnFile> files;
  for (int row = 0; row < rows.rows(); ++row) {
    files.push_back({.id = rows.int8(row, 0),
                     .version_rev = rows.int8(row, 1),
                     .path = std::string(rows.bytes(row, 2)),
                     .had = rows.boolean(row, 3),
                     .is_new = is_new});
  }
  return files;
}

void HeadTurn::done(const TurnFile& file) {
  ++done_;
  if (file.is_new)
    at_rev_ = file.version_rev, at_id_ = file.id;
  else
    path_ = file.path;
}

void HeadTurn::keep() {
  if (all_new_ && done_ >= new_handed_) rev_ = upto_rev_, at_rev_ = at_id_ = 0;
  connection_.run(
      "INSERT INTO head_turn (mirror_id, rev, at_rev, at_id, path) SELECT id, $2, $3, $4, $5 FROM "
      "mirror WHERE id = $1 ON CONFLICT (mirror_id) DO UPDATE SET rev = excluded.rev, at_rev = "
      "excluded.at_rev, at_id = excluded.at_id, path = excluded.path",
      Params().int2(mirror_).int8(rev_).int8(at_rev_).int8(at_id_).bytes(path_));
}

}  // namespace mirror::db
