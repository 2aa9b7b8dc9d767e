#include "core/path_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/limits.h"

namespace mirror {
namespace {

const PathGlob* first_fit(const std::vector<PathGlob>& globs, std::string_view path) {
  const auto found = std::find_if(globs.begin(), globs.end(),
                                  [&](const PathGlob& glob) { return glob.fits(path); });
  return found == globs.end() ? nullptr : &*found;
}

std::string hex_regex(std::initializer_list<const std::vector<PathGlob>*> lists) {
  std::string regex;
  for (const std::vector<PathGlob>* globs : lists) {
    for (const PathGlob& glob : *globs) regex += (regex.empty() ? "" : "|") + glob.hex_regex();
  }
  return regex.empty() ? "" : "^(?:" + regex + ")$";
}

}  // namespace

std::string MutableRule::fault() const {
  if (const std::string wrong = PathGlob::fault(folder); !wrong.empty())
    return fmt::format("folder '{}': {}", folder, wrong);
  if (anchors.empty()) return "it has no anchor";
  for (const std::vector<std::string>* names : {&anchors, &signatures}) {
    for (const std::string& name : *names) {
      if (name.empty() || name.find('/') != name.npos || name.find("**") != name.npos)
        return fmt::format("'{}' is not the name of a file in the folder", name);
      if (const std::string wrong = PathGlob::fault(folder + '/' + name); !wrong.empty())
        return fmt::format("'{}': {}", name, wrong);
    }
  }
  return "";
}

PathRules::PathRules(const std::vector<std::string>& immutable,
                     const std::vector<MutableRule>& groups) {
  for (const std::string& text : immutable) {
    if (PathGlob::fault(text).empty()) immutable_.emplace_back(text);
  }
  for (const MutableRule& rule : groups) {
    if (!rule.fault().empty()) continue;
    groups_.push_back(rule);
    for (const std::string& name : rule.anchors) {
      anchors_.emplace_back(rule.folder + '/' + name);
      alternates_s_.push_back(std::min(rule.alternates_s, kKeepGoneS));
    }
    for (const std::string& name : rule.signatures)
      signatures_.emplace_back(rule.folder + '/' + name);
  }
}

const PathGlob* PathRules::immutable_glob(std::string_view path) const {
  return first_fit(immutable_, path);
}

bool PathRules::is_origin_only(std::string_view path) const {
  return first_fit(anchors_, path) != nullptr || first_fit(signatures_, path) != nullptr;
}

double PathRules::alternates_s(std::string_view path) const {
  const PathGlob* anchor = first_fit(anchors_, path);
  return anchor == nullptr ? 0 : alternates_s_[static_cast<std::size_t>(anchor - anchors_.data())];
}

std::vector<std::string> PathRules::immutable_texts() const {
  std::vector<std::string> texts;
  for (const PathGlob& glob : immutable_) texts.push_back(glob.text());
  return texts;
}

std::string PathRules::immutable_hex_regex() const { return hex_regex({&immutable_}); }
std::string PathRules::anchor_hex_regex() const { return hex_regex({&anchors_}); }
std::string PathRules::told_anchor_hex_regex() const {
  std::vector<PathGlob> told;
  for (std::size_t i = 0; i < anchors_.size(); ++i) {
    if (alternates_s_[i] > 0) told.push_back(anchors_[i]);
  }
  return hex_regex({&told});
}
std::string PathRules::no_member_hex_regex() const {
  return hex_regex({&immutable_, &anchors_, &signatures_});
}

}  // namespace mirror
