// MirrorBrain's database, in its layouts of 2008 to 2021: server, with serverpfx; the files in
// filearr, or in files with server_files, or in filemetadata with mirrors.
#include <fmt/format.h>

#include <map>

#include "core/readable.h"
#include "moving/databases.h"
#include "moving/formats.h"

namespace mirror::moving {
namespace {

void set_place(const ForeignRow& row, MovedMirror& mirror) {
  mirror.set("country", code_list(row.text("country")));
  const std::string region = code_list(row.text("region"));
  if (region == "**")
    mirror.leave_out("region", region);
  else
    mirror.set("region", region);
  mirror.set_place(row.text("lat"), row.text("lng"));
  if (row.text("asn") != "0") mirror.set("asn", row.text("asn"));
  mirror.set("other_countries", code_list(row.text("other_countries")));
}

MovedMirror mirror_of(const ForeignRow& row) {
  MovedMirror mirror;
  mirror.identifier = identifier_from(row.text("identifier"));
  for (const char* const column : {"baseurl", "baseurl_ftp", "baseurl_rsync"})
    mirror.set_url(row.text(column));
  mirror.set_flag("enabled", row.flag("enabled"));
  mirror.set("weight", row.text("score"));
  set_place(row, mirror);
  for (const char* const only : {"country_only", "region_only", "as_only", "prefix_only"})
    if (!row.text(only).empty()) mirror.set_flag(only, row.flag(only));
  if (row.flag("ipv6_only")) {
    mirror.set_flag("ipv4", false);
    mirror.set_flag("ipv6", true);
  }
  if (row.text("file_maxsize") != "0") mirror.set("file_maxsize", row.text("file_maxsize"));
  for (const auto& [from, to] :
       {std::pair("comment", "private_comment"), std::pair("public_notes", "public_note"),
        std::pair("operator_name", "operator_name"), std::pair("operator_url", "operator_url"),
        std::pair("admin", "admin_name"), std::pair("admin_email", "admin_email")})
    mirror.set(to, row.text(from));
  if (!row.text("prefix").empty()) mirror.serves_first.push_back(row.text("prefix"));
  return mirror;
}

// Networks of their own, and ASes behind them.
void add_prefixes(db::Connection& connection, std::map<std::string, MovedMirror*>& by_id) {
  if (!has_table(connection, "serverpfx")) return;
  for (const ForeignRow& row : read_rows(connection, "serverpfx t ORDER BY 1")) {
    const auto mirror = by_id.find(row.text("serverid"));
    if (mirror != by_id.end() && !row.text("prefix").empty())
      mirror->second->serves_first.push_back(row.text("prefix"));
  }
}

// What it knows of files is found again by scans and mb-hash.
void leave_out_files(db::Connection& connection, MovedMirrors& moved) {
  const auto leave = [&](const char* what, std::int64_t rows, const char* instead) {
    if (rows > 0) moved.left_out.push_back(fmt::format("{} {}: {}", grouped(rows), what, instead));
  };
  std::int64_t files = 0;
  for (const char* const table : {"filearr", "files", "filemetadata"})
    files += count_rows(connection, table);
  leave("files and who has them", files, "mb-scan --source, mb-hash and mb-scan --all find them");
  leave("markers", count_rows(connection, "marker"),
        "not needed, since it is known which mirror has which file");
}

}  // namespace

MovedMirrors read_mirrorbrain(db::Connection& connection) {
  if (!has_table(connection, "server"))
    throw FormatError("has no table server: this is not MirrorBrain's");
  MovedMirrors moved;
  const std::vector<ForeignRow> rows = read_rows(connection, "server t ORDER BY t.identifier");
  moved.mirrors.reserve(rows.size());
  std::map<std::string, MovedMirror*> by_id;
  for (const ForeignRow& row : rows) {
    MovedMirror mirror = mirror_of(row);
    if (mirror.identifier.empty()) {
      moved.left_out.push_back(
          fmt::format("the mirror {}: its name has no letter and no digit", row.text("id")));
      continue;
    }
    by_id[row.text("id")] = &moved.mirrors.emplace_back(std::move(mirror));
  }
  add_prefixes(connection, by_id);
  leave_out_files(connection, moved);
  settle_identifiers(moved);
  return moved;
}

}  // namespace mirror::moving
