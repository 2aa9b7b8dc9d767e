#include "scanner/list/exclude.h"

#include <algorithm>
#include <optional>

namespace mirror::scanner {
namespace {

// Whether the set at the beginning of `pattern` ("[...]") has `c`, and the length of the set;
// nullopt when it has no end.
struct SetMatch {
  bool has = false;
  std::size_t length = 0;
};
std::optional<SetMatch> match_set(std::string_view pattern, char c) {
  std::size_t at = 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  bool has = false;
  for (const std::size_t first = at; at < pattern.size(); ++at) {
    if (pattern[at] == ']' && at > first) return SetMatch{has != negated, at + 1};
    const auto low = static_cast<unsigned char>(pattern[at]);
    auto high = low;
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      high = static_cast<unsigned char>(pattern[at + 2]);
      at += 2;
    }
    has = has || (low <= static_cast<unsigned char>(c) && static_cast<unsigned char>(c) <= high);
  }
  return std::nullopt;
}

// How many bytes of `pattern` stand for the one byte `c`; 0: it does not fit.
std::size_t step(std::string_view pattern, char c) {
  if (pattern.empty()) return 0;
  if (pattern[0] == '?') return c == '/' ? 0 : 1;
  if (pattern[0] == '[') {
    if (const std::optional<SetMatch> set = match_set(pattern, c))
      return set->has && c != '/' ? set->length : 0;
  }
  if (pattern[0] == '\\' && pattern.size() > 1) return pattern[1] == c ? 2 : 0;
  return pattern[0] == c ? 1 : 0;
}

}  // namespace

// The last star alone is tried again, which is enough while a star never crosses a slash, and keeps
// the time below pattern times text.
bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;
  std::size_t next = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (next < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_text = next;
    } else if (const std::size_t taken = step(pattern.substr(at), text[next])) {
      at += taken;
      ++next;
    } else if (star != std::string_view::npos && text[star_text] != '/') {
      at = star + 1;
      next = ++star_text;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

Exclusion::Exclusion(const std::vector<std::string>& patterns) {
  for (std::string_view glob : patterns) {
    Pattern pattern;
    pattern.directory_only = glob.ends_with('/');
    while (glob.ends_with('/')) glob.remove_suffix(1);
    pattern.of_path = glob.find('/') != std::string_view::npos;
    while (glob.starts_with('/')) glob.remove_prefix(1);
    pattern.glob = glob;
    if (!pattern.glob.empty()) patterns_.push_back(std::move(pattern));
  }
}

bool Exclusion::fits(std::string_view path, std::string_view name, bool is_directory) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
    return (is_directory || !pattern.directory_only) &&
           glob_matches(pattern.glob, pattern.of_path ? path : name);
  });
}

bool Exclusion::excludes_folder(std::string_view folder) {
  if (folder == last_folder_) return last_excluded_;
  bool excluded = false;
  for (std::size_t from = 0; !excluded && from < folder.size();) {
    const std::size_t slash = std::min(folder.find('/', from), folder.size());
    excluded = fits(folder.substr(0, slash), folder.substr(from, slash - from), true);
    from = slash + 1;
  }
  last_folder_ = folder;
  return last_excluded_ = excluded;
}

bool Exclusion::excludes(std::string_view path, bool is_directory) {
  if (patterns_.empty()) return false;
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return fits(path, path, is_directory);
  return excludes_folder(path.substr(0, slash)) || fits(path, path.substr(slash + 1), is_directory);
}

}  // namespace mirror::scanner
