#include "db/path_rules.h"

namespace mirror::db {

PathRules load_path_rules(Connection& connection) {
  const Result rows = connection.run(
      "SELECT coalesce(array_agg(glob ORDER BY position), '{}') FROM path_rule WHERE kind = "
      "'immutable'");
  return PathRules(rows.text_array(0, 0));
}

bool store_path_rules(Connection& connection, const PathRules& rules) {
  Transaction transaction(connection);
  const std::vector<std::string> texts = rules.immutable_texts();
  // Two writers at once would both insert.
  connection.script("LOCK TABLE path_rule IN SHARE ROW EXCLUSIVE MODE");
  if (load_path_rules(connection).immutable_texts() == texts) return false;
  connection.script("DELETE FROM path_rule WHERE kind = 'immutable'");
  connection.run(
      "INSERT INTO path_rule (position, kind, glob) SELECT place, 'immutable', glob FROM "
      "unnest($1) WITH ORDINALITY AS given (glob, place)",
      Params().text_array(texts));
  transaction.commit();
  return true;
}

}  // namespace mirror::db
