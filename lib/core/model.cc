#include "core/model.h"

#include <algorithm>

namespace mirror {

MirrorTable::MirrorTable(std::int64_t rev, std::vector<Mirror> mirrors) : rev_(rev), mirrors_(std::move(mirrors)) {
  std::sort(mirrors_.begin(), mirrors_.end(), [](const Mirror& a, const Mirror& b) { return a.id < b.id; });
  for (std::size_t position = 0; position < mirrors_.size(); ++position) {
    const MirrorId id = mirrors_[position].id;
    if (id < 0) continue;
    if (index_.size() <= static_cast<std::size_t>(id)) index_.resize(id + 1, -1);
    index_[id] = static_cast<std::int32_t>(position);
  }
}

const Mirror* MirrorTable::find(MirrorId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= index_.size() || index_[id] < 0) return nullptr;
  return &mirrors_[index_[id]];
}

}  // namespace mirror
