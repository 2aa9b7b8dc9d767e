#include "moving/access_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/address.h"
#include "core/ascii.h"

namespace mirror {
namespace {

constexpr std::size_t kMaxTargetBytes = 8000, kMaxAgentBytes = 1000;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Takes what stands between two quotes, with httpd's escapes undone; nullopt: there is no such text
// at the start. `rest` begins behind it then.
std::optional<std::string> take_quoted(std::string_view& rest) {
  if (!rest.starts_with('"')) return std::nullopt;
  std::string text;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return text;
    }
    if (rest[i] != '\\') {
      text += rest[i];
      continue;
    }
    if (++i == rest.size()) break;
    const bool is_byte = rest[i] == 'x' && i + 2 < rest.size() && hex_value(rest[i + 1]) >= 0 &&
                         hex_value(rest[i + 2]) >= 0;
    if (is_byte) {
      text += static_cast<char>(hex_value(rest[i + 1]) * 16 + hex_value(rest[i + 2]));
      i += 2;
    } else {
      // \n, \t and the like: no good request has them.
      text += rest[i] == '"' || rest[i] == '\\' ? rest[i] : '\n';
    }
  }
  return std::nullopt;
}

std::string_view take_word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

// What a URL may have as it is; other bytes above ASCII are escaped, which servers undo.
std::optional<std::string> sound_target(std::string_view target) {
  if (!target.starts_with('/') || target.size() > kMaxTargetBytes) return std::nullopt;
  std::string text;
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_control(byte) || c == ' ' || c == '#') return std::nullopt;
    if (byte >= 0x80)
      text += fmt::format("%{:02X}", byte);
    else
      text += c;
  }
  return text;
}

// The client's word: the first one, or the second behind a virtual host's name and port.
std::string client_of(std::string_view head) {
  for (int word = 0; word < 2; ++word) {
    if (const auto address = Address::parse(take_word(head))) return address->text();
  }
  return "";
}

std::string agent_of(std::string_view rest) {
  const std::size_t quote = rest.find('"');
  if (quote == rest.npos) return "";
  rest.remove_prefix(quote);
  if (!take_quoted(rest) || !rest.starts_with(' ')) return "";
  rest.remove_prefix(1);
  const auto agent = take_quoted(rest);
  const auto is_odd = [](unsigned char c) { return c < 0x20 || c >= 0x7f; };
  if (!agent || *agent == "-" || agent->size() > kMaxAgentBytes ||
      std::any_of(agent->begin(), agent->end(), is_odd))
    return "";
  return *agent;
}

}  // namespace

std::variant<LoggedRequest, SkippedLine> parse_log_line(std::string_view line) {
  if (line.size() > kMaxLogLineBytes) return SkippedLine::unreadable;
  const std::size_t time = line.find(" ["), end = line.find("] \"", std::min(time, line.size()));
  if (time == line.npos || end == line.npos) return SkippedLine::unreadable;
  std::string_view rest = line.substr(end + 2);
  const auto request = take_quoted(rest);
  if (!request) return SkippedLine::unreadable;
  std::string_view words = *request;
  const std::string_view method = take_word(words), target = take_word(words);
  if (!words.starts_with("HTTP/") || words.find(' ') != words.npos) return SkippedLine::unreadable;
  if (method != "GET" && method != "HEAD") return SkippedLine::other_method;
  auto sound = sound_target(target);
  if (!sound) return SkippedLine::unreadable;
  return LoggedRequest{client_of(line.substr(0, time)), method == "HEAD", *std::move(sound),
                       agent_of(rest)};
}

}  // namespace mirror
