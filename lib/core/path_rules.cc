#include "core/path_rules.h"

#include <algorithm>

namespace mirror {

PathRules::PathRules(const std::vector<std::string>& immutable) {
  for (const std::string& text : immutable) {
    if (PathGlob::fault(text).empty()) immutable_.emplace_back(text);
  }
}

const PathGlob* PathRules::immutable_glob(std::string_view path) const {
  const auto found = std::find_if(immutable_.begin(), immutable_.end(),
                                  [&](const PathGlob& glob) { return glob.fits(path); });
  return found == immutable_.end() ? nullptr : &*found;
}

std::vector<std::string> PathRules::immutable_texts() const {
  std::vector<std::string> texts;
  for (const PathGlob& glob : immutable_) texts.push_back(glob.text());
  return texts;
}

std::string PathRules::immutable_hex_regex() const {
  std::string regex;
  for (const PathGlob& glob : immutable_) regex += (regex.empty() ? "" : "|") + glob.hex_regex();
  return regex.empty() ? "" : "^(?:" + regex + ")$";
}

}  // namespace mirror
