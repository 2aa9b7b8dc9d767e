// What a mutable group does to the mirrors of a file that lies in it. Pure.
#pragma once

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "core/path_rules.h"

namespace mirror {

// A group as a lookup finds it: its folder, and the mirrors that have all of its members.
struct GroupView {
  std::string_view folder;
  MirrorSet mirrors;
};

// Leaves in file.mirrors who may serve it, and in file.whole and file.holders what there was before
// (core/model.h). `group`: the innermost one around the file; none for a file that is gone, which
// old anchors still name. `room` keeps what file.mirrors shows.
inline void heed_group(File& file, const PathRules& rules, const std::optional<GroupView>& group,
                       std::vector<MirrorId>& room) {
  file.holders = file.whole = file.mirrors;
  if (rules.groups().empty()) return;
  file.origin_only = rules.is_origin_only(file.path);
  if (group && (file.origin_only || !rules.is_immutable(file.path))) {
    file.group = std::string(group->folder);
    std::vector<MirrorId> have = file.mirrors.ids(), all = group->mirrors.ids();
    std::sort(have.begin(), have.end());
    std::sort(all.begin(), all.end());
    room.clear();
    std::set_intersection(have.begin(), have.end(), all.begin(), all.end(),
                          std::back_inserter(room));
    file.whole = file.mirrors = room;
  }
  if (file.origin_only) file.mirrors = {};
}

}  // namespace mirror
