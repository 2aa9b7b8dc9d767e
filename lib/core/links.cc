#include "core/links.h"

#include <algorithm>

#include "core/path.h"

namespace mirror {
namespace {

constexpr std::size_t kMaxTargetBytes =
    4095;  // what a link may hold on Linux (PATH_MAX less the NUL)

// Removes the last segment; false if there is none.
bool pop_segment(std::string& path) {
  if (path.empty()) return false;
  const std::size_t slash = path.rfind('/');
  path.resize(slash == path.npos ? 0 : slash);
  return true;
}

}  // namespace

std::optional<std::string> resolve_links(std::string_view path, const ReadLink& read_link) {
  std::string real;        // has no links in it
  std::string rest(path);  // still to be walked from `real`
  int links = 0;
  for (std::size_t at = 0; at < rest.size();) {
    const std::size_t slash = std::min(rest.find('/', at), rest.size());
    const std::string segment = rest.substr(at, slash - at);
    at = slash + 1;
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") {
      if (!pop_segment(real)) return std::nullopt;
      continue;
    }
    const std::size_t parent_bytes = real.size();
    if (!real.empty()) real += '/';
    real += segment;
    if (real.size() > kMaxPathBytes) return std::nullopt;
    const auto target = read_link(real);
    if (!target) continue;
    if (++links > kMaxLinks || target->empty() || target->front() == '/' ||
        target->size() > kMaxTargetBytes)
      return std::nullopt;
    rest = at < rest.size() ? *target + '/' + rest.substr(at) : *target;
    at = 0;
    real.resize(parent_bytes);
  }
  return real;
}

std::string below_link(std::string_view target, std::string_view rest) {
  std::string path(target);
  if (!path.empty() && !rest.empty()) path += '/';
  return path.append(rest);
}

}  // namespace mirror
