// Redirectors tell the database how far their catalogs are, so that `mb status` can tell who lags
// behind. One row for each host and catalog; a row goes when its catalog was silent for a week.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pg/connection.h"

namespace mirror::db {

struct AskedFile {
  std::string path;
  double requests = 0;
};
// This host's catalog in that directory has everything up to `rev`, and these files were asked for
// so often lately. For httpd's role too. The database writes at most once a minute for
// a catalog; a standby writes nothing. Throws Error; REQUIRES: no transaction is open.
void note_redirector(Connection&, std::string_view catalog_directory, std::int64_t rev,
                     const std::vector<AskedFile>& asked);

struct Redirector {
  std::string host, catalog;
  std::int64_t rev = 0;
  std::int64_t silent_s = 0;  // since it told that
  // How long ago the oldest change was merged that it had not told to have; 0: it had all. A note
  // may be a minute old, so that is no lag until then.
  std::int64_t lag_s = 0;
};

// By host and catalog.
std::vector<Redirector> read_redirectors(Connection&);

}  // namespace mirror::db
