// Whether a mirror can be listed now, in each of the ways that scans would try: the first entries
// are read, and compared with the source's files. Writes nothing. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "db/mirror/mirrors.h"
#include "pg/connection.h"
#include "scanner/scan/scan_options.h"
#include "scanner/scan/ways.h"

namespace mirror::scanner {

struct ListingLook {
  bool good = false;
  std::int64_t entries = 0;  // that were read: the first ones
  std::int64_t files = 0;    // of these
  std::int64_t known = 0;    // of these, with the source's size
  std::chrono::milliseconds time{0};
  std::string reason;  // why it is not good, or what is to be said of it
};

ListingLook look_at_listing(db::Connection& connection, const db::MirrorRecord& record,
                            const ListingWay& way, const ScanOptions& options, int stop_fd);

}  // namespace mirror::scanner
