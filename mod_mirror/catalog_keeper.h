// A child's view of one catalog, and the thread that looks after it: it opens new files, and in one
// process of the host it keeps the catalog up to date (lib/feed). A thread of our own rather than a
// callback of mod_watchdog's: a connection or a long answer cannot be cut into its steps, and who
// writes is settled by the directory's lock alone.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "background.h"
#include "catalog/catalog.h"
#include "feed/feed.h"
#include "path_lookup.h"
#include "shared.h"

namespace mirror::httpd {

class CatalogKeeper {
 public:
  // The fault is the catalog's in all processes.
  CatalogKeeper(std::string directory, const catalog::Access& access, FeedOptions feed,
                SharedFault& fault, Log log);
  void start();
  void ask_to_stop() noexcept { thread_.ask_to_stop(); }
  // See StepThread::join_by.
  bool join_by(std::chrono::steady_clock::time_point deadline) noexcept {
    return thread_.join_by(deadline);
  }

  // nullptr: there is no complete catalog (yet), or it has less of the file's hashes than asked
  // for.
  std::unique_ptr<Lookup> find(std::string_view path, std::int64_t now_s, HashParts parts);

  // Of the present state; nullptr as find().
  std::shared_ptr<const MirrorTable> mirrors();

  // That many bytes of zsync's sums of the file of that real path, from `offset` on; "" when they
  // are not to be had any more.
  std::string zsync_part(std::string_view path, std::string_view sha1, std::int64_t offset,
                         std::int64_t count);

  // Unix time at which the catalog was known to equal the database.
  std::int64_t as_of_s() const { return catalog_.as_of_s(); }
  const catalog::Catalog& catalog() const { return catalog_; }
  // What hinders a process of this httpd that looks after the catalog, this one or another; "":
  // nothing.
  std::string fault() const { return fault_.text(); }

 private:
  StepThread::Duration step() noexcept;
  void complain(const std::string& fault);

  const Log log_;
  const SharedFault& fault_;
  const bool has_database_;
  catalog::Catalog catalog_;
  StepThread thread_;
  Feed feed_;
};

}  // namespace mirror::httpd
