// Which files a mirror that has everything by definition is asked for: a sample, by which all files
// that are new there are judged together, and each of those that a sample says nothing about.
// One object for a run; one thread, one Connection, which must outlive it. Throws Error.
//
// A sample says nothing about a file that changed at the source, since caches in front of an origin
// keep old versions, and nothing about one that the mirror was asked for and did not have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/path_rules.h"
#include "db/merge/scan.h"
#include "pg/connection.h"

namespace mirror::db {

struct SampleFile {
  std::int64_t id = 0, version_rev = 0;
  std::string path;
  std::int64_t size_bytes = 0;
  std::int64_t not_before_s = 0;  // the oldest time of this version; of an immutable file any
  bool had = false;               // the mirror has it, as far as is known
  bool newest = false;            // chosen since it is new
};

class HeadSample {
 public:
  // `folder`: only what is below it; "": everything.
  HeadSample(Connection&, MirrorId, std::string folder);

  // Nothing was ever taken for listed by a sample.
  bool is_first() const { return after_ == 0; }
  // Three quarters are random ones of what the mirror has, the first time of everything; the others
  // are the newest of the files that are new since the last run.
  std::vector<SampleFile> choose(std::int32_t count);
  // That new files of versions up to `upto` count as listed.
  TakenForListed take(std::int64_t upto) const;
  // Those that the mirror does not have and that do not count as listed, by chance.
  std::vector<SampleFile> ask_alone(const TakenForListed& taken, std::int32_t limit);

  // Lets the next run go on from here: what is newer than `taken` is new to it, or `with_newest`
  // only what comes from now on. So it must be where the mirror was asked for all of ask_alone(),
  // or did not have one of the newer ones. Outside of a transaction.
  void keep(const TakenForListed& taken, bool with_newest);

 private:
  std::vector<SampleFile> read(const std::string& condition, const std::string& order,
                               std::int32_t limit, const std::vector<std::int64_t>& but);

  Connection& connection_;
  MirrorId mirror_;
  std::string folder_;
  PathRules rules_;
  std::int64_t newest_rev_;  // when the run began
  std::int64_t after_ = 0;   // up to there the last run has asked, or taken for listed
  std::vector<std::int64_t> chosen_;
};

}  // namespace mirror::db
