// A database that changes at random, what it has and what a catalog has, to be compared: for tests
// of what pulls it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "catalog/environment.h"
#include "db/merge/scan.h"
#include "t/db/database.h"
#include "t/folder.h"

namespace mirror::db::test {

constexpr catalog::Access kAccess{.max_bytes = 64 << 20, .max_readers = 32};
inline const std::atomic<bool> kGoOn{false}, kStop{true};

// A file or link: all but its mirrors as one line.
struct Known {
  std::string line;
  std::set<MirrorId> mirrors;
  bool operator==(const Known&) const = default;
};
struct State {
  std::map<std::string, Known> files;
  std::set<std::int64_t> cohorts;
  std::map<std::string, std::set<MirrorId>> groups;          // mutable ones, by folder
  std::map<std::string, std::vector<FormerVersion>> former;  // of their anchors
  std::string mirrors;
  std::int64_t rev = 0, mirrors_rev = 0;
  std::string token;
};

State state_of(Connection& connection, bool hashes);
State state_of(catalog::Environment& environment);
// "" or what differs. Of links that went no trace is asked for.
std::string difference(const State& database, const State& catalog);
// What a reader in the middle of a pull may see of a file: its version of before, from mirrors that
// had it, or that of after.
// "" or what is wrong.
std::string wrong_in_between(const State& before, const State& now, const State& after);

// A new catalog file of all that the database has.
std::shared_ptr<catalog::Environment> load(Connection& connection, const std::string& file,
                                           bool hashes);

class World {
 public:
  explicit World(unsigned seed);
  Connection connect(const std::string& user = "") const { return database_.connect(user); }
  int roll(int sides);  // one of 0 to sides - 1
  void change();
  void change_source();

 private:
  void scan_some_mirror();
  void look_at_some_files();
  void hash_some();
  void replace_mirror();
  void edit_mirror();
  void edit_rules();

  TestDatabase database_;

 public:
  Connection connection;

 private:
  std::mt19937 random_;
  std::map<std::string, Entry> tree_;
};

}  // namespace mirror::db::test
