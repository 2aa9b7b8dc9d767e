#include "scanner/web/look_up.h"

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "scanner/list/part.h"

namespace mirror::scanner::web {
namespace {

constexpr std::size_t kMostPaths = 20'000;  // of one look-up: they and the answers are in memory

// Items of one kind that wait for their look-up.
struct Batch {
  std::vector<std::string> paths;
  std::vector<Item*> items;

  void add(const Folder& folder, Item& item) {
    paths.push_back(joined_path(folder.path, item.shown.name));
    items.push_back(&item);
  }
  bool is_full() const { return paths.size() >= kMostPaths; }
};

void look_up_files(KnownFiles& known, Batch& batch) {
  if (batch.paths.empty()) return;
  auto found = known.files(batch.paths);
  for (std::size_t i = 0; i < found.size(); ++i) batch.items[i]->known = std::move(found[i]);
  batch = {};
}

void look_up_folders(KnownFiles& known, Batch& batch) {
  if (batch.paths.empty()) return;
  const std::vector<bool> found = known.folders(batch.paths);
  for (std::size_t i = 0; i < found.size(); ++i) batch.items[i]->known_folder = found[i];
  batch = {};
}

}  // namespace

void look_up_items(KnownFiles& known, const std::vector<Folder*>& folders) {
  Batch files, below;
  for (Folder* const folder : folders) {
    for (Item& item : folder->items) {
      (item.shown.is_folder ? below : files).add(*folder, item);
      if (files.is_full()) look_up_files(known, files);
      if (below.is_full()) look_up_folders(known, below);
    }
  }
  look_up_files(known, files);
  look_up_folders(known, below);
}

std::size_t add_hidden(KnownFiles& known, const std::vector<Folder*>& folders) {
  std::vector<std::string> paths;
  for (const Folder* folder : folders) paths.push_back(folder->path);
  std::unordered_map<const Folder*, std::unordered_set<std::string>> shown;
  std::size_t added = 0;
  for (db::HiddenFile& hidden : known.hidden(paths)) {
    Folder& folder = *folders[hidden.folder];
    std::unordered_set<std::string>& names = shown[&folder];
    if (names.empty()) {
      for (const Item& item : folder.items) names.insert(item.shown.name);
    }
    if (!names.insert(hidden.name).second) continue;
    Item& item = folder.items.emplace_back();
    item.shown.name = std::move(hidden.name);
    item.shown.is_folder = item.known_folder = hidden.is_folder;
    item.guessed = true;
    if (!hidden.is_folder) item.known = std::move(hidden.file);
    ++added;
  }
  return added;
}

}  // namespace mirror::scanner::web
