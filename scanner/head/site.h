// A mirror that is asked for files one by one: where they are, and what it says of a name that
// cannot exist. Throws ListingError, and net::FetchError where libcurl cannot be used. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/path.h"
#include "scanner/head/file_asker.h"
#include "scanner/head/head_options.h"
#include "scanner/list/listing.h"
#include "scanner/list/target.h"

namespace mirror::scanner::head {

// What holds for each way of asking one by one.
inline constexpr int kMostFailures = 10;              // of single files, in one run
inline constexpr std::int64_t kEnoughForTimes = 100;  // files that tell how a mirror keeps times
inline constexpr std::chrono::seconds kUntilSecondLook(5);

class Site {
 public:
  // `control` must outlive it.
  Site(const Target& target, const HeadOptions& options, const Control& control);

  // Nothing tells which files a server has that says to have what cannot exist: a ListingError.
  // Also learns how it says that a file is not there. First and at the end of a run.
  void ask_for_impossible();
  // As the server speaks HTTP/2 or not; after it was asked for something.
  void ask_many_at_a_time();
  void ask(const std::string& path, FileAsker::Done done) {
    asker_.ask(url_of(path), std::move(done));
  }
  std::size_t open() const { return asker_.open(); }
  // Goes on until something was answered, or a second is over.
  void go_on();

  const std::string& base() const { return base_; }
  std::string url_of(const std::string& path) const { return file_url(base_, path); }

 private:
  const Control& control_;
  std::string base_;
  FileAsker asker_;
};

// That it is at `path`, as the mirror says it; kNotThere for a size.
void list_file(Listing& listing, const std::string& path, std::int64_t size_bytes,
               std::int64_t mtime_s);

}  // namespace mirror::scanner::head
