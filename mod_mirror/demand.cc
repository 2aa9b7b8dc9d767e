#include "demand.h"

#include <map>

#include "core/fnv.h"
#include "core/model.h"

namespace mirror::httpd {
namespace {

std::uint64_t key_of(std::string_view path) { return fnv1a(path) | 1; }

}  // namespace

void DemandSample::begin(std::string_view tree) {
  if (tree_.exchange(key_of(tree)) != key_of(tree)) take();
}

// Reservoir sampling (Vitter's algorithm R): every download has the same chance to be in it.
void DemandSample::note(std::string_view path) {
  if (path.size() > kMostBytes) return;
  const std::uint64_t key = key_of(path), before = seen_.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t at = before < kPlaces ? before : scattered(key ^ before) % (before + 1);
  if (at >= kPlaces) return;
  Place& place = places_[at];
  place.key.store(0);
  for (std::size_t i = 0; i < path.size(); ++i)
    place.path[i].store(path[i], std::memory_order_relaxed);
  place.path[path.size()].store('\0', std::memory_order_relaxed);
  place.key.store(key);
}

std::string DemandSample::path_in(Place& place) {
  const std::uint64_t key = place.key.exchange(0);
  std::string path;
  for (const auto& c : place.path) {
    const char byte = c.load(std::memory_order_relaxed);
    if (byte == '\0') break;
    path += byte;
  }
  return key == key_of(path) ? path : "";
}

std::vector<db::AskedFile> DemandSample::take() {
  const auto seen = static_cast<double>(seen_.exchange(0));
  std::map<std::string, double> counts;
  double found = 0;
  for (Place& place : places_) {
    const std::string path = path_in(place);
    if (path.empty()) continue;
    ++counts[path];
    ++found;
  }
  std::vector<db::AskedFile> files;
  for (const auto& [path, count] : counts) files.push_back({path, count * seen / found});
  return files;
}

}  // namespace mirror::httpd
