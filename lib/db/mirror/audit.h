// Who changed what of the mirrors and rules, as triggers noted it (sql/schema.sql). One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pg/connection.h"

namespace mirror::db {

struct AuditEntry {
  std::int64_t at_s = 0;
  std::string role;           // of the database
  std::string operator_name;  // USER@HOST, as the program says; "": it does not
  std::string program;        // as it says
  std::string address;        // from which it came; "": over a Unix socket
  std::string mirror;         // its identifier then; "": of no mirror
  std::string setting;        // a column of `mb edit`, "prefix", "rule", "added" or "deleted"
  std::string from, to;       // as text, without passwords; "": nothing
};

struct AuditFilter {
  std::string_view mirror = {};  // by the name that it had then or has now; "": all
  std::string_view by = {};      // a role, USER@HOST or USER; "": all
  std::int64_t since_s = 0;      // Unix time
};

// The oldest first. Only admins may read it.
std::vector<AuditEntry> read_audit(Connection&, const AuditFilter&);

}  // namespace mirror::db
