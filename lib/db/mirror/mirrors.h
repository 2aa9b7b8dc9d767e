// The mirrors as the admin sees them. A table of members (members.h) drives reading, writing, the
// options of `mb new` and `mb edit`, `mb show` and its JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "db/mirror/endpoints.h"
#include "pg/connection.h"

namespace mirror::db {

struct MirrorRecord {
  Mirror mirror;
  std::vector<Endpoint> endpoints;  // in the order in which they are tried
  std::string ftp_url;
  // Cut from the front of listed paths: an endpoint's root lies above the tree's.
  std::string strip_prefix;
  std::string add_prefix;  // put before listed paths: an endpoint has a part of the tree
  // When it is stale by what it has (stale.h); "": as the instance says.
  std::string stamp_path, max_age;
  std::string scan_interval, scan_hours;  // when it is scanned (scan_queue.h); "": likewise
  std::string subdivision;
  std::string admin_name, admin_email;
  std::string public_note, private_comment;
  // As full scans measured it (time_keeping.h); nullopt until one had enough files.
  std::optional<double> keeps_times_share;
  bool keeps_times = false;
  // By how much its times are ahead of the source's: a multiple of 15 minutes, up to 14 hours.
  int time_offset_s = 0;
  std::optional<std::int64_t> standing_since_s;  // Unix time
  std::optional<std::int64_t> last_scan_s;       // Unix time of the last good scan

  const Endpoint* endpoint(std::string_view method) const;  // nullptr: none
  // Whether what decides where and how that method lists is the same in both: URLs, options and
  // prefixes. Also where clients are sent: that server is asked about what the listing says.
  bool is_listed_as(const MirrorRecord& other, std::string_view method) const;
};

enum class ColumnShape : std::uint8_t { text, number, boolean, list };  // of its value in JSON

// What an admin may set; the option of mb is the name with hyphens.
struct MirrorColumn {
  const char* name = "";
  ColumnShape shape = ColumnShape::text;
  const char* placeholder = "";  // for its value, in --help
  const char* help = nullptr;
};
const std::vector<MirrorColumn>& mirror_columns();
// The column's value as text in `mb show`, as an SQL parameter in `mb edit`; lists are separated by
// commas.
std::string column_text(const MirrorRecord& record, const MirrorColumn& column);

using Change = std::pair<std::string, std::string>;  // column name, new value as text

// Private columns stay empty for a role that may not read them, as the scanner's. Throws Error for
// one that may not read endpoints, as httpd's.
std::vector<MirrorRecord> list_mirrors(Connection&);  // by identifier
std::optional<MirrorRecord> find_mirror(Connection&, std::string_view identifier);
std::optional<MirrorRecord> find_mirror(Connection&, MirrorId);
// The database's constraints check values too; the Error explains which one was violated.
MirrorId insert_mirror(Connection&, std::string_view identifier,
                       const std::vector<Change>& columns);
void update_mirror(Connection&, MirrorId, const std::vector<Change>& columns);
// The one change that the scanner's role may make to what an admin sets.
void enable_mirror(Connection&, MirrorId);
// Until the transaction ends, nobody else changes its settings. REQUIRES:
// connection.in_transaction()
void lock_mirror(Connection&, MirrorId);
void rename_mirror(Connection&, MirrorId, std::string_view identifier);
// Takes it out of all cohorts under the merge lock. Waits for merges under way.
void delete_mirror(Connection&, MirrorId);
// prefixes and AS numbers that the mirror serves first
void add_mirror_prefix(Connection&, MirrorId, std::string_view cidr_or_asn);
bool remove_mirror_prefix(Connection&, MirrorId, std::string_view cidr_or_asn);

}  // namespace mirror::db
