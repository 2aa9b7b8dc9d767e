// The tools' configuration file (TOML) for mb, mb-scan, mb-hash and mb-probe: one section per
// instance, one instance per source tree and database. The manual page mb.toml(5) describes every
// key, and doc/examples/mb.toml shows each with its default.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "config/notify_target.h"
#include "core/hashes.h"
#include "core/path_rules.h"

namespace mirror {

// The message has the file, and the line and column if known.
class ConfigError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct MirrorOptions {
  std::string rsync_password_file, ftp_password_file;
};

struct HashOptions {
  HashKinds kinds;
  int jobs = 0;
  std::int64_t max_rate = 0;
};

// Globs for temporary files in a tree: those of rsync (`.name.XXXXXX` and folders), and those of
// other programs.
std::vector<std::string> default_exclude();

struct Instance {
  std::string name = "default";
  std::string file;         // the configuration file: what was read, or would have been
  bool file_found = false;  // else all is at its default
  std::string database;     // conninfo
  std::string source;       // "" when not configured
  std::string source_url;   // its base URL by http or https, ends in '/'; "": not known
  std::string catalog;      // "": where the module keeps that of this database by default
  std::vector<std::string> geo_databases;
  std::vector<std::string> server_urls;  // where the redirector itself answers
  int jobs = 4;
  double max_shrink_percent = 50;
  double max_change_percent = 5;
  double grace_hours = 24;
  int connect_timeout_s = 30;     // rsync
  int idle_timeout_s = 300;       // rsync
  double max_scan_minutes = 240;  // for one listing
  std::string contact;            // for operators of mirrors, in the User-Agent; "": none
  // A mirror is stale whose last good scan is so much older than the newest one of any mirror; 0:
  // never; nullopt: three times the time from one scan of it to the next (db/mirror/stale.h).
  std::optional<double> max_scan_age_hours;
  // Nor may a mirror be behind the source for longer, by its stamp or its files; 0: it may.
  double max_age_hours = 72;
  std::string stamp_path;  // of the file that says how new a mirror's tree is; "": there is none
  std::string stamp_url;   // of the source's own one; "": it is in `source`, if that is a folder
  std::int64_t max_entries = 50'000'000;
  std::int64_t head_budget = 100'000;  // HEAD requests of a scan that asks for each file
  // For mb-scan --work (db/scan_queue.h); hours of the day as 22-6, by UTC; "": all.
  double scan_interval_hours = 4;
  std::string scan_hours;
  // A mirror is disabled after so many failed scans in a row, if they began so long ago; 0: never.
  int disable_after_scans = 5;
  double disable_after_days = 7;
  int slow_after_s = 60;    // a scan with too few entries in this time gives its place to another
  int hash_touched_s = 60;  // how long mb-scan --source hashes touched files; 0: not at all
  std::vector<std::string> exclude = default_exclude();
  int probe_interval_s = 60;  // from one check of a mirror to the next
  int probe_files = 5;        // that a check asks for
  int probe_timeout_s = 10;   // of each of these
  // How many new files mb-probe asks a mirror for in a minute; 0: none.
  int fresh_requests = 1200;
  int probe_content_s = 3600;  // from one check of a mirror's content to the next
  int rescan_after_s = 3600;   // a mirror that was down for longer is checked before it is believed
  std::vector<std::string> probe_control;  // URLs that tell whether our own network works
  std::string probe_ca;                    // who signs mirrors' certificates; "": the system's
  std::vector<std::string> presets;        // names of presets (config/presets.h)
  std::vector<std::string> immutable;      // patterns
  std::vector<MutableRule> mutable_groups;
  PathRules rules;  // made of these three
  HashOptions hash;
  std::map<std::string, MirrorOptions> mirrors;
  // For listing every mirror, before its own, by method (scanner/list/methods.cc), which knows
  // them.
  std::map<std::string, std::vector<std::string>> listing_options;
  std::vector<NotifyTarget> notify;  // those of this instance
};

// Reads `file`, or $MB_CONFIG, or the default file, in that order; without any of them (the default
// file may be missing) an Instance with defaults, so that the PG… environment alone is enough.
// Unknown keys and wrong types are errors.
Instance load_instance(const std::optional<std::string>& file,
                       const std::optional<std::string>& instance);

// The same from a text; `file` is its name in messages.
Instance parse_instance(std::string_view text, const std::string& file,
                        const std::optional<std::string>& instance);

// All instance names in the file, in its order; empty when there is no file.
std::vector<std::string> instance_names(const std::optional<std::string>& file);
std::vector<std::string> parse_instance_names(std::string_view text, const std::string& file);

std::string default_config_file();

// The instance's file for messages: "/etc/mod_mirror/mb.toml, which does not exist".
std::string config_file_text(const Instance& instance);

}  // namespace mirror
