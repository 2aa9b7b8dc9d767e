#include "db/schema_faults.h"

#include <fmt/format.h>

namespace mirror::db {
namespace {

using Faults = std::vector<std::string>;

void open_to_everybody(Connection& connection, Faults& faults) {
  const Result rows = connection.run(
      "SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname IN ('public', current_schema()) "
      "AND has_schema_privilege('public', oid, 'CREATE') ORDER BY 1");
  for (int row = 0; row < rows.rows(); ++row) {
    faults.push_back(fmt::format(
        "every role may create tables and functions in schema {0}: as its owner run REVOKE CREATE "
        "ON SCHEMA {0} FROM PUBLIC",
        rows.bytes(row, 0)));
  }
}

// The roles of programs read and write; what runs with the owner's rights is not theirs to change.
void programs_that_may_create(Connection& connection, Faults& faults) {
  const Result rows = connection.run(
      "SELECT rolname::text, quote_ident(current_schema()) FROM pg_roles "
      "WHERE rolname IN ('mirror_httpd', 'mirror_scanner', 'mirror_admin') "
      "AND has_schema_privilege(rolname, current_schema(), 'CREATE') "
      "AND NOT has_schema_privilege('public', current_schema(), 'CREATE') ORDER BY 1");
  for (int row = 0; row < rows.rows(); ++row) {
    faults.push_back(
        fmt::format("role {0} may create tables and functions in schema {1}: it should neither own "
                    "the schema nor be a superuser; else run REVOKE CREATE ON SCHEMA {1} FROM {0}",
                    rows.bytes(row, 0), rows.bytes(row, 1)));
  }
}

// What another role owns it can replace, under the name that our statements use.
void owned_by_others(Connection& connection, Faults& faults) {
  const Result rows = connection.run(
      "SELECT thing, pg_get_userbyid(owner)::text, pg_get_userbyid(nspowner)::text, "
      "quote_ident(nspname) FROM pg_namespace n JOIN ("
      "SELECT relnamespace AS schema, relowner AS owner, 'table ' || relname::text AS thing "
      "FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S') UNION ALL "
      "SELECT pronamespace, proowner, 'function ' || proname::text FROM pg_proc) owned "
      "ON owned.schema = n.oid AND owned.owner <> n.nspowner "
      "WHERE nspname = current_schema() ORDER BY 1");
  for (int row = 0; row < rows.rows(); ++row) {
    faults.push_back(fmt::format(
        "{0} of schema {3} belongs to role {1}, and the schema to {2}: give both to one "
        "role (ALTER … OWNER TO)",
        rows.bytes(row, 0), rows.bytes(row, 1), rows.bytes(row, 2), rows.bytes(row, 3)));
  }
}

}  // namespace

std::vector<std::string> schema_faults(Connection& connection) {
  Faults faults;
  open_to_everybody(connection, faults);
  programs_that_may_create(connection, faults);
  owned_by_others(connection, faults);
  return faults;
}

}  // namespace mirror::db
