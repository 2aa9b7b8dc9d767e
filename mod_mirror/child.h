// What a child process holds for its requests: databases, GeoIP files, the threads that tend them. Made in child_init, after the
// fork; taken down when httpd ends the child, within a bounded time.
#pragma once

#include <memory>
#include <vector>

#include "config.h"
#include "database.h"
#include "geo_watch.h"

namespace mirror::httpd {

struct Child {
  std::vector<std::unique_ptr<Database>> databases;  // as in Globals::databases
  std::unique_ptr<GeoWatch> geo;
};

// Before the first fork: the shared memory, kept in httpd's process pool across restarts, and each database's record in it.
// Throws when there is no memory.
void prepare_shared_memory(const server_rec* server);

void start_child(apr_pool_t* pchild, server_rec* server);

// nullptr where start_child failed.
const Child* child();

}  // namespace mirror::httpd
