// What methods that list less than sizes and times are told of the source: its rows of the file
// table.
#pragma once

#include <map>
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
  FilesOfSource(db::Connection& connection, MirrorId mirror, std::string prefix)
      : connection_(connection), mirror_(mirror), prefix_(std::move(prefix)) {}

  std::vector<std::optional<db::KnownFile>> files(const std::vector<std::string>& paths) override {
    return db::find_known_files(connection_, of_tree(paths));
  }
  std::vector<std::optional<FileHashes>> digests(const std::vector<std::string>& paths) override {
    return db::find_known_digests(connection_, of_tree(paths));
  }
  std::vector<std::optional<db::KnownContent>> contents(
      const std::vector<std::string>& paths) override {
    return db::find_known_contents(connection_, of_tree(paths));
  }
  std::vector<db::KnownFolder> folders(const std::vector<std::string>& paths) override {
    return db::find_known_folders(connection_, of_tree(paths));
  }
  std::vector<db::TurnFile> next_in_turn(std::int32_t limit, std::int64_t budget) override {
    if (!turn_) turn_.emplace(connection_, mirror_, prefix_);
    std::vector<db::TurnFile> files = turn_->next(limit, budget);
    return as_listed(std::move(files));
  }
  void done_in_turn(const db::TurnFile& file) override {
    db::TurnFile of_tree = file;
    of_tree.path = joined_path(prefix_, file.path);
    turn_->done(of_tree);
  }
  bool is_first_sample() override { return the_sample().is_first(); }
  std::vector<db::SampleFile> sample(std::int32_t count) override {
    return as_listed(the_sample().choose(count));
  }
  db::TakenForListed take(std::int64_t upto_rev) override { return the_sample().take(upto_rev); }
  std::vector<db::SampleFile> ask_alone(const db::TakenForListed& taken,
                                        std::int32_t limit) override {
    return as_listed(the_sample().ask_alone(taken, limit));
  }
  void done_with_sample(const db::TakenForListed& taken, bool with_newest) override {
    sampled_ = {taken, with_newest};
  }
  bool turn_is_whole() override { return turn_ && turn_->whole(); }
  // After the merge of a listing that asked for each file: the next one goes on from there.
  void keep_turn() {
    if (turn_) turn_->keep();
    if (sampled_) the_sample().keep(sampled_->first, sampled_->second);
  }

  std::vector<db::HiddenFile> hidden(const std::vector<std::string>& folders) override {
    std::vector<db::HiddenFile> found = db::find_hidden_files(connection_, of_tree(folders));
    if (!backups_) read_backups();
    for (std::size_t i = 0; i < folders.size() && !backups_->empty(); ++i) {
      const auto [begin, end] = backups_->equal_range(folders[i]);
      for (auto at = begin; at != end; ++at) {
        found.push_back(at->second);
        found.back().folder = i;
      }
    }
    return found;
  }

 private:
  template <typename File>
  std::vector<File> as_listed(std::vector<File> files) const {
    for (File& file : files) file.path.erase(0, prefix_.empty() ? 0 : prefix_.size() + 1);
    return files;
  }
  db::HeadSample& the_sample() {
    if (!sample_) sample_.emplace(connection_, mirror_, prefix_);
    return *sample_;
  }
  // Once for the whole listing. Trees of files for download have hardly any.
  void read_backups() {
    constexpr std::int32_t kMost = 10'000;
    backups_.emplace();
    for (db::BackupFile& backup : db::find_backup_files(connection_, prefix_, kMost)) {
      backup.path.erase(0, prefix_.empty() ? 0 : prefix_.size() + 1);
      const std::size_t slash = backup.path.rfind('/');
      const bool in_root = slash == std::string::npos;
      backups_->emplace(in_root ? "" : backup.path.substr(0, slash),
                        db::HiddenFile{.name = backup.path.substr(in_root ? 0 : slash + 1),
                                       .file = std::move(backup.file)});
    }
  }
  std::vector<std::string> of_tree(const std::vector<std::string>& paths) const {
    std::vector<std::string> full;
    full.reserve(paths.size());
    for (const std::string& path : paths) full.push_back(joined_path(prefix_, path));
    return full;
  }

  db::Connection& connection_;
  MirrorId mirror_;
  std::string prefix_;
  std::optional<db::HeadTurn> turn_;
  std::optional<db::HeadSample> sample_;
  std::optional<std::pair<db::TakenForListed, bool>> sampled_;
  std::optional<std::multimap<std::string, db::HiddenFile>> backups_;  // by folder
};

}  // namespace mirror::scanner
