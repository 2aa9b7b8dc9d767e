// MirrorCache's database: server, what each declares that it can do, and projects.
#include <fmt/format.h>

#include <map>

#include "moving/databases.h"
#include "moving/formats.h"

namespace mirror::moving {
namespace {

struct Declared {
  std::map<std::string, bool> enabled;       // by capability
  std::map<std::string, std::string> extra;  // by capability: for which networks, countries
  // As it is without a declaration.
  bool operator()(const char* capability, bool otherwise) const {
    const auto found = enabled.find(capability);
    return found == enabled.end() ? otherwise : found->second;
  }
};

std::map<std::string, Declared> declarations(db::Connection& connection) {
  std::map<std::string, Declared> all;
  if (!has_table(connection, "server_capability_declaration")) return all;
  for (const ForeignRow& row : read_rows(connection, "server_capability_declaration t")) {
    Declared& declared = all[row.text("server_id")];
    declared.enabled[row.text("capability")] = row.flag("enabled");
    if (row.flag("enabled")) declared.extra[row.text("capability")] = row.text("extra");
  }
  return all;
}

void set_urls(const ForeignRow& row, const Declared& declared, MovedMirror& mirror) {
  const std::string host = row.text("hostname");
  std::string folder = row.text("urldir");
  if (!folder.starts_with('/')) folder.insert(0, "/");
  if (!folder.ends_with('/')) folder += '/';
  for (const char* const scheme : {"https", "http"})
    if (declared(scheme, true)) mirror.set_url(fmt::format("{}://{}{}", scheme, host, folder));
  for (const char* const scheme : {"rsync", "ftp"})
    if (declared(scheme, false)) mirror.set_url(fmt::format("{}://{}{}", scheme, host, folder));
  mirror.leave_out("hostname_vpn", row.text("hostname_vpn"));
}

void set_limits(const Declared& declared, MovedMirror& mirror) {
  for (const auto& [capability, column] :
       {std::pair("country", "country_only"), std::pair("region", "region_only"),
        std::pair("as_only", "as_only")})
    mirror.set_flag(column, declared(capability, false));
  if (!declared("ipv4", true)) mirror.set_flag("ipv4", false);
  if (declared("ipv6", false)) mirror.set_flag("ipv6", true);
  if (declared("hasall", false)) mirror.set_flag("complete", true);
  if (declared("prefix", false)) mirror.leave_out("prefix", declared.extra.at("prefix"));
}

MovedMirror mirror_of(const ForeignRow& row, const Declared& declared) {
  MovedMirror mirror;
  mirror.identifier = identifier_from(row.text("hostname"));
  set_urls(row, declared, mirror);
  set_limits(declared, mirror);
  mirror.set_flag("enabled", row.flag("enabled"));
  mirror.leave_out("score, of which the lowest comes first there", row.text("score"));
  mirror.set("country", code_list(row.text("country")));
  mirror.set("region", code_list(row.text("region")));
  mirror.set_place(row.text("lat"), row.text("lng"));
  for (const auto& [from, to] :
       {std::pair("comment", "private_comment"), std::pair("public_notes", "public_note"),
        std::pair("sponsor", "operator_name"), std::pair("sponsor_url", "operator_url")})
    mirror.set(to, row.text(from));
  return mirror;
}

}  // namespace

MovedMirrors read_mirrorcache(db::Connection& connection) {
  if (!has_table(connection, "server") || !has_table(connection, "folder"))
    throw FormatError("has no tables server and folder: this is not MirrorCache's");
  MovedMirrors moved;
  const std::map<std::string, Declared> declared = declarations(connection);
  for (const ForeignRow& row : read_rows(connection, "server t ORDER BY t.hostname")) {
    const auto own = declared.find(row.text("id"));
    moved.mirrors.push_back(mirror_of(row, own == declared.end() ? Declared() : own->second));
  }
  if (has_table(connection, "project")) {
    for (const ForeignRow& row : read_rows(connection, "project t ORDER BY t.path"))
      moved.left_out.push_back(fmt::format("the project {} at {}: mirrors are listed whole",
                                           row.text("name"), row.text("path")));
  }
  settle_identifiers(moved);
  return moved;
}

}  // namespace mirror::moving
