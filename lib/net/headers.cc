#include "net/headers.h"

#include <strings.h>

#include <algorithm>

#include "core/ascii.h"

namespace mirror::net {
namespace {

constexpr std::size_t kUsualHeaders = 12;

}  // namespace

void add_header(Headers& headers, std::string_view line) {
  if (line.starts_with("HTTP/")) {
    headers.clear();
    headers.reserve(kUsualHeaders);
  }
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return;
  headers.emplace_back(line.substr(0, colon), without_blanks(line.substr(colon + 1)));
}

std::string_view find_header(const Headers& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& header) {
    return header.first.size() == name.size() &&
           strncasecmp(header.first.data(), name.data(), name.size()) == 0;
  });
  return found != headers.end() ? std::string_view(found->second) : std::string_view();
}

}  // namespace mirror::net
