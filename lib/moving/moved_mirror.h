// Mirrors on their way from another system's records, or from our own export, to the database. Each
// reader of a format makes these; tools/mb writes them.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mirror::moving {

// What cannot be read, with the place in it: "line 12: …".
struct FormatError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct MovedComment {
  std::int64_t at_s = 0;  // Unix time
  std::string by, text;
};

struct MovedMirror {
  std::string identifier;
  // Name of a column of `mb edit`, and its value as that takes it. Each name once.
  std::vector<std::pair<std::string, std::string>> columns;
  std::vector<std::string> serves_first;  // networks (192.0.2.0/24) and ASes (AS64500)
  // Whether these are all that it serves first, so that others are none any more.
  bool says_all_networks = false, says_all_ases = false;
  std::vector<MovedComment> comments;
  std::vector<std::string> left_out;  // what it has that has no place here, in words

  // Nothing if the value is empty.
  void set(std::string_view column, std::string_view value);
  void set_flag(std::string_view column, bool value) { set(column, value ? "true" : "false"); }
  // By its scheme: http_url, https_url, rsync_url or ftp_url; the first of each counts.
  void set_url(std::string_view url);
  // Latitude and longitude, if both are known and not both 0.
  void set_place(std::string_view latitude, std::string_view longitude);
  std::string_view value(std::string_view column) const;          // "": none
  void leave_out(std::string_view name, std::string_view value);  // unless it is empty
};

struct MovedMirrors {
  std::vector<MovedMirror> mirrors;
  std::vector<std::string> left_out;  // of the whole
};

// A name that a mirror may have: a URL's host, or a name as it is, with a hyphen for what no name
// may have. "" if nothing is left.
std::string identifier_from(std::string_view name_or_url);
// Mirrors without a name are left out; names that occur twice get -2, -3, … .
void settle_identifiers(MovedMirrors& moved);

// Codes of countries or regions: "de, uk;it" as "DE,GB,IT".
std::string code_list(std::string_view text);

}  // namespace mirror::moving
