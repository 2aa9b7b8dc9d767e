#include "commands.h"

namespace mirror::mb {

const std::vector<Command>& commands() {
  static const std::vector<Command> list = {
      {"new", "add a mirror; its place is looked up", setup_new, {}},
      {"list", "list the mirrors", setup_list, {}},
      {"show", "show all that is known of a mirror", setup_show, {}},
      {"edit", "change a mirror", setup_edit, {}},
      {"rename", "give a mirror another name", setup_rename, {}},
      {"enable", "send clients to mirrors again", setup_enable, {}},
      {"disable", "send no clients to mirrors", setup_disable, {}},
      {"weight", "set a mirror's share of the clients", setup_weight, {}, "score"},
      {"delete", "delete mirrors", setup_delete, {}},
      {"prefix", "networks and ASes that a mirror serves first", setup_prefix, {}},
      {"scan", "scan mirrors: runs mb-scan", setup_scan, {}, nullptr, true},
      {"file",
       "files of the source tree",
       nullptr,
       {{"ls", "list files and who has them", setup_file_ls, {}}}},
      {"rules", "show which files never change, or only together", setup_rules, {}},
      {"events", "show what changed of the mirrors", setup_events, {}},
      {"status", "show whether all is well, for people and for monitoring", setup_status, {}},
      {"notify", "tell people what changed of the mirrors", setup_notify, {}},
      {"explain", "show which mirrors a client gets for a file, and why", setup_explain, {}},
      {"iplookup", "show where an address or host is", setup_iplookup, {}},
      {"instances", "list the instances of the configuration", setup_instances, {}},
      {"catalog",
       "the copy of the database that httpd uses for redirects",
       nullptr,
       {{"status", "show its state, size and age", setup_catalog_status, {}},
        {"verify", "compare it with the database", setup_catalog_verify, {}},
        {"dump", "print its contents as lines of JSON", setup_catalog_dump, {}},
        {"export", "write it to a file, for other hosts", setup_catalog_export, {}},
        {"import", "serve from an exported file", setup_catalog_import, {}}}},
      {"db",
       "the database",
       nullptr,
       {{"init", "create the tables in an empty database", setup_db_init, {}},
        {"migrate", "bring the tables up to date", setup_db_migrate, {}},
        {"version", "show the version of the tables", setup_db_version, {}},
        {"check", "check that the database answers and fits this program", setup_db_check, {}}}},
  };
  return list;
}

}  // namespace mirror::mb
