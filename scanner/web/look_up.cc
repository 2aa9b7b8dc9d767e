#include "scanner/web/look_up.h"

#include <string>
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
    paths.push_back(joined_path(folder.path, item.shown->name));
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
  const std::vector<db::KnownFolder> found = known.folders(batch.paths);
  for (std::size_t i = 0; i < found.size(); ++i) {
    batch.items[i]->known_folder = found[i] == db::KnownFolder::folder;
    batch.items[i]->source_has_link = found[i] == db::KnownFolder::link;
  }
  batch = {};
}

// For each folder, names that its page may not show.
using Names = std::vector<std::unordered_set<std::string>>;

void leave_out_shown(const Folder& folder, std::unordered_set<std::string>& names) {
  for (const PageEntry& entry : folder.shown) {
    if (names.empty()) return;
    names.erase(entry.name);
  }
}

}  // namespace

void look_up_items(KnownFiles& known, const std::vector<Folder*>& folders) {
  Batch files, below;
  for (Folder* const folder : folders) {
    for (Item& item : folder->items) {
      (item.shown->is_folder ? below : files).add(*folder, item);
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
  std::vector<db::HiddenFile> hidden = known.hidden(paths);
  Names names(folders.size());
  for (const db::HiddenFile& file : hidden) names[file.folder].insert(file.name);
  for (std::size_t i = 0; i < folders.size(); ++i) leave_out_shown(*folders[i], names[i]);
  std::size_t added = 0;
  for (db::HiddenFile& file : hidden) {
    Folder& folder = *folders[file.folder];
    if (names[file.folder].erase(file.name) == 0) continue;
    Item& item = folder.add(folder.shown.emplace_back());
    item.shown->name = std::move(file.name);
    item.shown->is_folder = item.known_folder = file.is_folder;
    item.guessed = true;
    if (!file.is_folder) item.known = std::move(file.file);
    ++added;
  }
  return added;
}

}  // namespace mirror::scanner::web
