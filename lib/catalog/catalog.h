// What a process reads of a directory: the file in force, opened once, and again when it is
// replaced. snapshot() may be called from any thread; refresh() from one, which looks after it in
// the background. Made after the fork.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "catalog/directory.h"
#include "catalog/reader.h"

namespace mirror::catalog {

class Catalog {
 public:
  // `whose` is the writer's name for Directory::try_lock: what another one wrote is not used. "":
  // whatever there is.
  Catalog(Directory directory, const Access& access, std::string whose = "")
      : directory_(std::move(directory)), access_(access), whose_(std::move(whose)) {}

  // Opens what CURRENT names when that is another file, and looks when the database was last heard
  // of. Throws Error; what was open stays so unless it is damaged itself, or the directory has
  // become another writer's. Where CURRENT is gone the writer makes it again.
  void refresh();

  // The state of now; nullopt as long as there is no complete catalog. Throws Error, after which
  // the file is not used again until it is replaced.
  std::optional<Snapshot> snapshot();
  // For the writer; null as long as there is none.
  std::shared_ptr<Environment> environment() const;
  // What is wrong with the file in use; then the writer makes a new one.
  bool unusable() const { return unusable_; }
  // This file turned out to be damaged: it is not used again until it is replaced. Nothing happens
  // when it has been by now.
  void give_up(const std::shared_ptr<Environment>& damaged);

  // Unix time at which the catalog was known to equal the database.
  std::int64_t as_of_s() const { return as_of_s_; }
  const Directory& directory() const { return directory_; }
  const Access& access() const { return access_; }

 private:
  void use(std::shared_ptr<Environment> environment);
  template <class Use>
  auto with(const std::shared_ptr<Environment>& held, Use use);
  void look_at(const std::shared_ptr<Environment>& held);
  bool is_foreign() const;
  std::string wanted_file() const;  // "": none

  const Directory directory_;
  const Access access_;
  const std::string whose_;
  mutable std::mutex mutex_;  // of the pointer that follows, and of changes to unusable_
  std::shared_ptr<Environment> environment_;
  std::string opened_;  // the file that was opened last, whatever became of it
  std::atomic<bool> unusable_{false};
  std::atomic<std::int64_t> as_of_s_{0};
};

}  // namespace mirror::catalog
