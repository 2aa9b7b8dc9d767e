// What methods that list less than sizes and times are told of the source: its rows of the file
// table.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scanner/list/known_files.h"
#include "scanner/list/part.h"

namespace mirror::scanner {

// For one listing, whose paths come behind `prefix`. Uses the Connection between the statements of
// the scan, in its thread. Throws db::Error.
class FilesOfSource : public KnownFiles {
 public:
  FilesOfSource(db::Connection& connection, std::string prefix)
      : connection_(connection), prefix_(std::move(prefix)) {}

  std::vector<std::optional<db::KnownFile>> files(const std::vector<std::string>& paths) override {
    return db::find_known_files(connection_, of_tree(paths));
  }
  std::vector<std::optional<FileHashes>> digests(const std::vector<std::string>& paths) override {
    return db::find_known_digests(connection_, of_tree(paths));
  }
  std::vector<bool> folders(const std::vector<std::string>& paths) override {
    return db::find_known_folders(connection_, of_tree(paths));
  }

  std::vector<db::HiddenFile> hidden(const std::vector<std::string>& folders) override {
    return db::find_hidden_files(connection_, of_tree(folders));
  }

 private:
  std::vector<std::string> of_tree(const std::vector<std::string>& paths) const {
    std::vector<std::string> full;
    full.reserve(paths.size());
    for (const std::string& path : paths) full.push_back(joined_path(prefix_, path));
    return full;
  }

  db::Connection& connection_;
  std::string prefix_;
};

}  // namespace mirror::scanner
