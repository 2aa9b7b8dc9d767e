// What an admin says of paths of the tree (mb.toml): which files never change, and which ones
// change only together. Immutable, pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/path_glob.h"

namespace mirror {

inline constexpr std::size_t kMaxPathGlobs = 500;

// Folders whose files change together, with what tells and signs their state. A folder is one of a
// group if it fits the pattern and has an anchor. Names may have wildcards, and no slash.
struct MutableRule {
  std::string folder;  // a pattern (core/path_glob.h)
  std::vector<std::string> anchors, signatures;
  double alternates_s = 0;  // how long hashes of an anchor's former versions are given out
  bool operator==(const MutableRule&) const = default;

  // Why it cannot be used; "": it can.
  std::string fault() const;
};

class PathRules {
 public:
  PathRules() = default;
  // What has a fault is left out: what comes from a database is not trusted.
  explicit PathRules(const std::vector<std::string>& immutable,
                     const std::vector<MutableRule>& groups = {});

  // Immutable files never get other content under the same path. That they are there, in the right
  // size, is all that is asked of a mirror.
  bool is_immutable(std::string_view path) const { return immutable_glob(path) != nullptr; }
  // The first pattern that fits; nullptr: none.
  const PathGlob* immutable_glob(std::string_view path) const;
  const std::vector<PathGlob>& immutable() const { return immutable_; }
  std::vector<std::string> immutable_texts() const;

  // Anchors and signatures of groups: mirrors never stand in for the origin, since an old one with
  // a good signature looks as good as the present one.
  bool is_origin_only(std::string_view path) const;
  // How long the former versions of this anchor are told (MutableRule), by the first rule that has
  // it as one; 0: never.
  double alternates_s(std::string_view path) const;
  const std::vector<MutableRule>& groups() const { return groups_; }

  // For all patterns of a kind together, with anchors (PathGlob::hex_regex); "": there are none.
  std::string immutable_hex_regex() const;
  std::string anchor_hex_regex() const;
  std::string told_anchor_hex_regex() const;  // of which former versions are told
  // Of what is no member of a group, wherever it lies: immutable files, anchors, signatures.
  std::string no_member_hex_regex() const;

  bool operator==(const PathRules& other) const {
    return immutable_texts() == other.immutable_texts() && groups_ == other.groups_;
  }

 private:
  std::vector<PathGlob> immutable_, anchors_, signatures_;
  std::vector<double> alternates_s_;  // for each of anchors_
  std::vector<MutableRule> groups_;
};

}  // namespace mirror
