// A database of its own for every test, copied from a template that has the schema. The cluster is
// the one of the PG… variables.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/merge/scan.h"
#include "db/schema.h"

namespace mirror::db::test {

class TestDatabase {
 public:
  enum class With { schema, nothing };
  explicit TestDatabase(With with = With::schema);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  Connection connect(const std::string& user = "") const;
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

// One listed entry, of the source or of a mirror.
struct Entry {
  std::string path;
  std::int64_t size = 1;
  std::int64_t mtime = 1000;
  EntryKind kind = EntryKind::file;
  bool staged = false;
  std::string target = {};
  std::optional<std::int64_t> ctime_ns = std::nullopt;  // the source's
};
using Tree = std::vector<Entry>;

// A tree of `count` files PREFIX0, PREFIX1, …
Tree files(const std::string& prefix, int count);

MergeReport scan_source(Connection&, const Tree&, const MergeOptions& = {});
MergeReport scan_mirror(Connection&, const std::string& identifier, const Tree&,
                        const MergeOptions& = {}, const std::string& subtree = "",
                        Precision = Precision::second);
MirrorId add_mirror(Connection&, const std::string& identifier);

// The identifiers of the mirrors that would get a client for `path`, with commas; "absent",
// "directory", "pending" where so.
std::string mirrors_of(Connection&, const std::string& path);
// From now on merges' notes of what they changed get lost with this probability, as if there had
// been too much to note.
void lose_notes(Connection&, double share);
// A single value, as text; "" for NULL or no row.
std::string value(Connection&, const std::string& sql);
// n_files of all cohorts are exact, every current file has a cohort, none is empty, ids are sorted,
// merges have noted what they changed: "" or what is wrong.
std::string inconsistency(Connection&);

}  // namespace mirror::db::test
