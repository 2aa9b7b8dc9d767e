// A line of httpd's access log, in the common or combined format, with or without a virtual host in
// front, and with NAME=VALUE behind as in doc/examples/mirror.conf. Pure; lines are hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mirror {

struct AccessLine {
  std::string_view client;  // as logged: an address or a name
  std::int64_t time_s = 0;  // Unix time
  std::string method;
  std::string path;  // decoded, without query, scheme and host, and without the slash in front
  int status = 0;
  std::int64_t bytes = 0;            // of the body, as sent
  std::string_view mirror, country;  // as the module names them; "": not logged, or none
  std::int64_t size_bytes = 0;       // of the file, where the module logs it
};

// nullopt: it is no such line. The views point into `line`.
std::optional<AccessLine> parse_access_line(std::string_view line);

// "29/Nov/2026:12:00:00 +0100" as Unix time; nullopt: it is none.
std::optional<std::int64_t> parse_log_time(std::string_view text);

}  // namespace mirror
