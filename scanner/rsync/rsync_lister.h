// Lists a tree through the rsync program, streamed, in bounded memory.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scanner/list/method.h"

namespace mirror::scanner {

// What rsync wrote to stderr, in bounded memory. Every version of rsync words it differently, and a
// daemon's complaints come in the daemon's words, so a line is read by its parts: who (`rsync: `
// with or without `[sender] `), what was tried, the name in quotation marks, the number of the
// error.
class Complaints {
 public:
  void add(std::string_view line);

  bool only_unreadable_directories() const { return !unreadable_.empty() && others_ == 0; }
  // The directories that could not be read or searched, as paths from the module's root; "" is the
  // root itself.
  const std::set<std::string>& unreadable() const { return unreadable_; }
  bool missing_directory() const { return missing_directory_; }
  // rsync's own word for its exit status ("timeout in data send/receive"), "" when it gave none.
  const std::string& verdict() const { return verdict_; }
  // The first complaints, fit for one line; "" when there are none.
  std::string text() const;

 private:
  bool note_unreadable(std::string_view line);
  std::set<std::string> unreadable_;
  std::size_t unreadable_bytes_ = 0;
  std::int64_t others_ = 0;
  bool missing_directory_ = false;
  std::string verdict_;
  std::vector<std::string> first_;
};

// Runs rsync and passes its entries to `listing`. Returns when the listing is whole: exit status 0
// or 24, and 23 when every complaint is a directory that the server may not read. With a directory
// that does not exist there listing.counts.missing is set. Throws ListingError for everything else;
// it names rsync's own words.
db::Fidelity list_rsync(const Target& target, Listing& listing, const Control& control);

}  // namespace mirror::scanner
