#include "demand.h"

#include <map>
#include <string>

#include "core/fnv.h"
#include "core/model.h"

namespace mirror::httpd {

void DemandSample::begin(std::string_view tree) {
  const std::uint64_t key = fnv1a(tree);
  if (tree_.exchange(key) != key) take();
}

// Reservoir sampling (Vitter's algorithm R): every download has the same chance to be in it.
void DemandSample::note(std::string_view path) {
  if (path.size() > kMostBytes) return;
  const std::uint64_t before = seen_.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t at =
      before < kPlaces ? before : scattered(fnv1a(path) ^ before) % (before + 1);
  if (at < kPlaces) places_[at].set(path);
}

std::vector<db::AskedFile> DemandSample::take() {
  const auto seen = static_cast<double>(seen_.exchange(0));
  std::map<std::string, double> counts;
  double found = 0;
  for (auto& place : places_) {
    const std::string path = place.take();
    if (path.empty()) continue;
    ++counts[path];
    ++found;
  }
  std::vector<db::AskedFile> files;
  for (const auto& [path, count] : counts) files.push_back({path, count * seen / found});
  return files;
}

}  // namespace mirror::httpd
