// Access logs of httpd in the forms common, combined and vhost_combined: what `mb compare` replays.
// Whoever sent a request chose most of its line, so nothing in it is trusted. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace mirror {

struct LoggedRequest {
  std::string client;      // its address as Address::text() has it; "": the log has a name
  bool head = false;       // HEAD; else GET
  std::string target;      // path and query in ASCII, begins with '/'
  std::string user_agent;  // printable ASCII; "": unknown
};

// Why a line is not replayed: it asks by another method, or it is no line of such a log, or its
// request is none that a client in good faith sends.
enum class SkippedLine : std::uint8_t { other_method, unreadable };

inline constexpr std::size_t kMaxLogLineBytes = 16384;

std::variant<LoggedRequest, SkippedLine> parse_log_line(std::string_view line);

}  // namespace mirror
