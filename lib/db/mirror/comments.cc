#include "db/mirror/comments.h"

#include "db/mirror/constraints.h"

namespace mirror::db {
namespace {

std::map<MirrorId, std::vector<Comment>> read(Connection& connection, const Params& which) {
  const bool may =
      connection.run("SELECT has_table_privilege('mirror_comment', 'SELECT')").boolean(0, 0);
  if (!may) return {};
  const Result rows = connection.run(
      "SELECT mirror_id, extract(epoch FROM at)::bigint, by, text FROM mirror_comment WHERE "
      "$1::smallint IS NULL OR mirror_id = $1 ORDER BY at, id",
      which);
  std::map<MirrorId, std::vector<Comment>> comments;
  for (int row = 0; row < rows.rows(); ++row)
    comments[rows.int2(row, 0)].push_back(
        {rows.int8(row, 1), std::string(rows.bytes(row, 2)), std::string(rows.bytes(row, 3))});
  return comments;
}

std::int64_t insert(Connection& connection, const std::string& sql, const Params& params) {
  try {
    return connection.run(sql, params).affected();
  } catch (const Error& error) {
    const std::string_view words = constraint_words(error.constraint());
    if (words.empty()) throw;
    throw Error(std::string(words), error.sqlstate(), error.constraint());
  }
}

}  // namespace

std::map<MirrorId, std::vector<Comment>> read_comments(Connection& connection) {
  return read(connection, Params().null());
}

std::vector<Comment> read_comments(Connection& connection, MirrorId mirror) {
  return read(connection, Params().int2(mirror))[mirror];
}

void add_comment(Connection& connection, MirrorId mirror, std::string_view text) {
  insert(connection, "INSERT INTO mirror_comment (mirror_id, text) VALUES ($1, $2)",
         Params().int2(mirror).text(text));
}

bool restore_comment(Connection& connection, MirrorId mirror, const Comment& comment) {
  return insert(connection,
                "INSERT INTO mirror_comment (mirror_id, at, by, text) SELECT $1, "
                "to_timestamp($2::float8), $3::text, $4::text WHERE NOT EXISTS (SELECT FROM "
                "mirror_comment WHERE mirror_id = $1 AND at = to_timestamp($2::float8) AND by = $3 "
                "AND text = $4)",
                Params()
                    .int2(mirror)
                    .float8(static_cast<double>(comment.at_s))
                    .text(comment.by)
                    .text(comment.text)) > 0;
}

}  // namespace mirror::db
