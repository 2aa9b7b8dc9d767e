#include "scanner/web/robots.h"

#include <algorithm>

#include "core/ascii.h"

namespace mirror::scanner::web {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{500} << 10;
constexpr std::size_t kMaxRules = 2000;

// Remembers where the last `*` was, so that the time is at most the product of both lengths.
bool matches(std::string_view pattern, std::string_view path) {
  const bool to_end = pattern.ends_with('$');
  if (to_end) pattern.remove_suffix(1);
  std::size_t at = 0, in = 0, star = pattern.npos, star_in = 0;
  for (;;) {
    if (at == pattern.size() && (!to_end || in == path.size())) return true;
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_in = in;
    } else if (at < pattern.size() && in < path.size() && pattern[at] == path[in]) {
      ++at;
      ++in;
    } else if (star != pattern.npos && star_in < path.size()) {
      at = star + 1;
      in = ++star_in;
    } else {
      return false;
    }
  }
}

}  // namespace

Robots::Robots(std::string_view text) {
  text = text.substr(0, kMaxBytes);
  std::vector<Rule> own, all;
  bool for_own = false, for_all = false, in_names = false, any_own = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    const std::string name = lower(without_blanks(line.substr(0, colon)));
    const std::string_view value = without_blanks(line.substr(colon + 1));
    if (name == "user-agent") {
      if (!in_names) for_own = for_all = false;
      in_names = true;
      for_own = for_own || lower(value) == kRobotsName;
      for_all = for_all || value == "*";
      any_own = any_own || for_own;
    } else if (name == "allow" || name == "disallow") {
      in_names = false;
      const Rule rule{std::string(value), name == "allow"};
      if (value.empty()) continue;
      if (for_own && own.size() < kMaxRules) own.push_back(rule);
      if (for_all && all.size() < kMaxRules) all.push_back(rule);
    }
  }
  rules_ = any_own ? std::move(own) : std::move(all);
}

// The longest pattern counts, and of two the one that allows.
bool Robots::allows(std::string_view path) const {
  std::size_t longest = 0;
  bool allowed = true;
  for (const Rule& rule : rules_) {
    const std::size_t length = rule.pattern.size();
    if (length < longest || (length == longest && !rule.allow)) continue;
    if (!matches(rule.pattern, path)) continue;
    longest = length;
    allowed = rule.allow;
  }
  return allowed;
}

}  // namespace mirror::scanner::web
