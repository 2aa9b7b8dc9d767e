// Where a client is, from MaxMind DB files (libmaxminddb). A city or country database and an ASN
// database may both be given, in MaxMind's nested layout or the flat one with `country_code`,
// `continent_code`, `latitude`, `longitude`, `asn` keys. GeoDatabases may be used from any thread;
// each lookup holds a reference to the files it reads, so that a file replaced on disk is reopened
// without disturbing a lookup under way. What is read is a private copy in memory, checked before
// use: a file that is overwritten or cut in place harms nobody. With a folder for copies the
// processes of one user share the memory (shared_copies.h); where the folder takes none, each has
// its own. What a database says wrongly (other types, absurd values) counts as not said.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/model.h"

namespace mirror {

class GeoDatabases {
 public:
  // Opens every file; throws std::runtime_error that names the file and the reason when one is
  // missing, no MaxMind DB, or of another kind, such as a database of domains. With `troubles` such
  // files are told there and tried again by reopen_changed(). `copies`: the folder, "" for none.
  explicit GeoDatabases(std::vector<std::string> paths,
                        std::vector<std::string>* troubles = nullptr, std::string copies = "");
  ~GeoDatabases();
  GeoDatabases(const GeoDatabases&) = delete;
  GeoDatabases& operator=(const GeoDatabases&) = delete;

  // What the databases say of the address (of Address::located()); fields that none of them knows
  // stay empty. The region comes from the country (region_of) and only for unknown countries from
  // the database.
  Client locate(const Address& address) const;

  // Reopens the files whose inode, size or mtime changed; a file that is gone or broken for the
  // moment keeps its old content and is reported. Returns one message per trouble. To be called now
  // and then, from one thread at a time.
  std::vector<std::string> reopen_changed();

  bool empty() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mirror
