// What to check next: mostly whether a mirror has a file. Each second time it is a new one, since
// what goes wrong with a mirror often shows in what it should have got lately; of the other times
// each second one is a file that clients ask for much, and then a random one. Now and then its
// content, a name that cannot exist, and what lies beyond 2 GiB. One thread. Times are seconds of
// the prober's clock.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <vector>

#include "db/probe/probe_files.h"
#include "scanner/check/job.h"
#include "scanner/fresh/fresh_checks.h"
#include "scanner/probe/findings.h"
#include "scanner/probe/fleet.h"

namespace mirror::probe {

struct JobOptions {
  bool loop = false;           // else: presence, and what a mirror needs to be believed again
  double content_s = 3600;     // from one check of a mirror's content to the next, of any file
  double impossible_s = 3600;  // from one such name to the next
  double large_s = 86400;
};

class Jobs {
 public:
  // Both must outlive it.
  Jobs(const JobOptions& options, Findings& findings, fresh::FreshChecks& fresh)
      : options_(options), findings_(findings), fresh_(fresh) {}

  // For the item's next check; nullopt: no file is known that it has. Throws db::Error.
  std::optional<Job> choose(db::Connection& connection, Item& item, double now_s);
  // Other files from now on, after some seconds.
  void forget_sample() { sampled_s_ = -1; }

 private:
  struct Due {
    struct Kind {
      Job::Kind kind;
      double every_s, at_s;
      double wanted_s;  // sooner, but not before
    };
    Kind content, impossible, large;
    unsigned contents = 0;  // checks so far
  };
  std::optional<Job> next(db::Connection& connection, Item& item, double now_s);
  std::optional<Job> presence(db::Connection& connection, const Item& item);
  std::optional<Job> young(db::Connection& connection, Item& item);
  std::optional<Job> asked(db::Connection& connection, Item& item);
  std::optional<Job> rare(db::Connection& connection, const Item& item, double now_s);
  std::optional<Job> make(db::Connection& connection, MirrorId id, Job::Kind kind, double now_s);
  std::optional<Job> content(db::Connection& connection, MirrorId id, double now_s);
  std::optional<Job> content_of(db::Connection& connection, MirrorId id, std::int64_t most_bytes,
                                bool prefers_large);
  std::optional<Job> large(db::Connection& connection, MirrorId id, double now_s);
  Due& due_of(MirrorId id, double now_s);

  const JobOptions options_;
  Findings& findings_;
  fresh::FreshChecks& fresh_;
  db::ProbeFiles files_;
  std::map<MirrorId, Due> due_;
  double sampled_s_ = -1;
  std::vector<std::int64_t> large_;  // ids
  double large_read_s_ = -1;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace mirror::probe
