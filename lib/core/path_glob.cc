#include "core/path_glob.h"

#include <fmt/format.h>

#include <utility>

namespace mirror {
namespace {

constexpr std::string_view kManyFolders = "**/", kAnything = "**";

bool begins_segment(std::string_view pattern, std::size_t at) {
  return at == 0 || pattern[at - 1] == '/';
}

// Where to go on when what follows a wildcard does not fit: the wildcard takes more.
struct Retry {
  std::size_t pattern = std::string_view::npos;  // behind the wildcard
  std::size_t path = 0;                          // what it ends before
  bool whole_folders = false;

  bool possible() const { return pattern != std::string_view::npos; }
};

// False: it cannot take more.
bool take_more(Retry& any, std::string_view path) {
  if (!any.possible() || any.path >= path.size()) return false;
  if (any.whole_folders) {
    const std::size_t slash = path.find('/', any.path);
    if (slash == path.npos) return false;
    any.path = slash;
  }
  ++any.path;
  return true;
}

}  // namespace

std::string PathGlob::fault(std::string_view text) {
  if (text.find_first_not_of('/') == text.npos) return "expected a pattern with more than slashes";
  if (text.size() > kMaxPathGlobBytes)
    return fmt::format("it has more than {} bytes", kMaxPathGlobBytes);
  if (text.ends_with('/'))
    return "it ends in '/', which no file's path does: end it in /** for all files of a folder";
  if (text.find("//") != text.npos) return "it has an empty segment (//)";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return "it has a control character";
    if (std::string_view("[]{}\\").find(c) != std::string_view::npos)
      return fmt::format("'{}' has no meaning in it; only *, ** and ? have", c);
  }
  return "";
}

PathGlob::PathGlob(std::string text) : text_(std::move(text)) {
  pattern_ = text_.starts_with('/') ? text_.substr(1) : std::string(kManyFolders) + text_;
  const std::size_t last_wildcard = pattern_.find_last_of("*?");
  tail_bytes_ = last_wildcard == pattern_.npos ? 0 : pattern_.size() - last_wildcard - 1;
  // "**/" is a wildcard as a whole.
  if (last_wildcard != pattern_.npos &&
      pattern_.substr(0, last_wildcard + 1).ends_with(kAnything) && tail_bytes_ > 0)
    --tail_bytes_;
}

// Of each kind of wildcard the last one alone is tried again: an earlier "**" could only leave less
// for what comes, and an earlier '*' ends in the same segment or before it.
bool PathGlob::fits(std::string_view path) const {
  const std::string_view pattern = pattern_;
  if (!path.ends_with(pattern.substr(pattern.size() - tail_bytes_))) return false;
  std::size_t at = 0, next = 0;
  Retry any, star;
  for (;;) {
    const std::string_view rest = pattern.substr(at);
    if (rest.starts_with(kAnything)) {
      const bool whole_folders = begins_segment(pattern, at) && rest.starts_with(kManyFolders);
      at += (whole_folders ? kManyFolders : kAnything).size();
      any = {at, next, whole_folders};
      star = {};
    } else if (rest.starts_with('*')) {
      star = {++at, next};
    } else if (next < path.size() && !rest.empty() &&
               (rest.front() == path[next] || (rest.front() == '?' && path[next] != '/'))) {
      ++at;
      ++next;
    } else if (next == path.size() && rest.empty()) {
      return true;
    } else if (star.possible() && star.path < path.size() && path[star.path] != '/') {
      at = star.pattern;
      next = ++star.path;
    } else if (take_more(any, path)) {
      at = any.pattern;
      next = any.path;
      star = {};
    } else {
      return false;
    }
  }
}

std::string PathGlob::hex_regex() const {
  const std::string_view pattern = pattern_;
  std::string regex;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::string_view rest = pattern.substr(at);
    if (begins_segment(pattern, at) && rest.starts_with(kManyFolders)) {
      regex += "(?:(?:..)*2f)?";
      at += kManyFolders.size();
    } else if (rest.starts_with(kAnything)) {
      regex += "(?:..)*";
      at += kAnything.size();
    } else {
      constexpr std::string_view kNoSlash = "(?:[013-9a-f].|2[0-9a-e])";
      const char c = rest.front();
      if (c == '*' || c == '?')
        regex.append(kNoSlash).append(c == '*' ? "*" : "");
      else
        regex += fmt::format("{:02x}", static_cast<unsigned char>(c));
      ++at;
    }
  }
  return regex;
}

}  // namespace mirror
