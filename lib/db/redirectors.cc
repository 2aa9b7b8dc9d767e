#include "db/redirectors.h"

#include <cmath>

#include "os/host_name.h"

namespace mirror::db {

void note_redirector(Connection& connection, std::string_view catalog_directory, std::int64_t rev,
                     const std::vector<AskedFile>& asked) {
  std::vector<std::string> paths;
  std::vector<std::int64_t> times;
  for (const AskedFile& file : asked) {
    paths.push_back(file.path);
    times.push_back(std::llround(file.requests));
  }
  connection.run(
      "SELECT note_redirector($1, $2, $3, $4, $5::bigint[]::float8[]) WHERE NOT "
      "pg_is_in_recovery()",
      Params()
          .text(host_name(""))
          .text(catalog_directory)
          .int8(rev)
          .bytes_array(paths)
          .int8_array(times));
}

std::vector<Redirector> read_redirectors(Connection& connection) {
  const Result rows = connection.run(
      "SELECT host, catalog, rev, extract(epoch FROM now() - seen)::bigint, "
      "coalesce((SELECT extract(epoch FROM now() - v.at)::bigint FROM revision v "
      "WHERE v.rev > r.rev ORDER BY v.rev LIMIT 1), 0) FROM redirector r ORDER BY host, catalog");
  std::vector<Redirector> redirectors;
  for (int row = 0; row < rows.rows(); ++row) {
    Redirector& one = redirectors.emplace_back();
    one.host = rows.bytes(row, 0);
    one.catalog = rows.bytes(row, 1);
    one.rev = rows.int8(row, 2);
    one.silent_s = rows.int8(row, 3);
    one.lag_s = rows.int8(row, 4);
  }
  return redirectors;
}

}  // namespace mirror::db
