// What a line of httpd's access log says of the answer to a request: in the common or combined
// format, and with NAME=VALUE behind as in doc/examples/mirror.conf. The request itself is
// moving/access_log.h's. Pure; lines are hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mirror {

struct LoggedAnswer {
  std::int64_t time_s = 0;  // Unix time
  int status = 0;
  std::int64_t bytes = 0;            // of the body, as sent
  std::string_view mirror, country;  // as the module names them; "": not logged, or none
  std::int64_t size_bytes = 0;       // of the file, where the module logs it
};

// nullopt: it is no such line. The views point into `line`.
std::optional<LoggedAnswer> parse_logged_answer(std::string_view line);

// "29/Nov/2026:12:00:00 +0100" as Unix time; nullopt: it is none.
std::optional<std::int64_t> parse_log_time(std::string_view text);

}  // namespace mirror
