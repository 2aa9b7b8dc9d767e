// What a child process holds for its requests: databases, GeoIP files, the threads that tend them.
// Made in child_init, after the fork; taken down when httpd ends the child, within a bounded time.
#pragma once

#include <memory>
#include <vector>

#include "catalog_keeper.h"
#include "database.h"
#include "demand.h"
#include "dir_config.h"
#include "geo_watch.h"
#include "recent_requests.h"
#include "traffic.h"

namespace mirror::httpd {

struct Child {
  std::vector<std::unique_ptr<Database>> databases;  // as in Globals::databases
  std::vector<std::unique_ptr<CatalogKeeper>>
      catalogs;  // as in Globals::catalogs; null where no section uses it
  std::unique_ptr<GeoWatch> geo;
  // In the memory that all processes share.
  RecentRequests* recent_requests = nullptr;
  Traffic* traffic = nullptr;
  std::vector<DemandSample*> demand;  // as in Globals::catalogs

  // nullptr: lookups go to the database.
  CatalogKeeper* catalog_of(const DirConfig& config) const {
    const auto index = config.catalog_index();
    return index ? catalogs.at(*index).get() : nullptr;
  }
  // As the last lookup in a database, or the present state of a catalog, has them; nullptr: not
  // known yet.
  std::shared_ptr<const MirrorTable> mirrors_of(const DirConfig& config) const;
};

// Before the first fork: the shared memory, kept in httpd's process pool across restarts, and each
// database's record in it. Throws when there is no memory.
void prepare_shared_memory(const server_rec* server);

// Creates the catalogs' directories for httpd's user. If that fails, the log says so and httpd
// starts all the same.
void prepare_catalogs(const server_rec* server);
// Makes the folder in which children share their copies of GeoIP databases.
void prepare_geo_copies(const server_rec* server);

// httpd ends a child that has only begun from a handler of SIGTERM or SIGHUP, and frees memory
// there: in the middle of malloc, as when the user's groups are looked up, that crashes. So these
// signals wait between the two.
void hold_signals();
void release_signals();

void start_child(apr_pool_t* pchild, server_rec* server);

// nullptr where start_child failed.
const Child* child();

}  // namespace mirror::httpd
