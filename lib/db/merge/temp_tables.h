// The temporary tables of a merge, as objects: who makes, writes or reads one has the object, or
// was passed it, so that the types tell what SQL alone hides. A table lives as long as its object;
// its rows are the session's alone. Internal to lib/db; one thread, one Connection, which must
// outlive them.
//
// Beside these there is merge_listing, which StagedListing (staging.h) owns.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "pg/connection.h"

namespace mirror::db {

class TempTables {
 public:
  struct Definition {
    std::string_view name, columns;
  };
  // Makes them empty, in one round trip; what an object that was not destroyed left is dropped.
  // Throws Error.
  TempTables(Connection& connection, std::initializer_list<Definition> tables);
  // Drops them. Where that cannot be, in a transaction that failed, they go with the session.
  ~TempTables();
  TempTables(const TempTables&) = delete;
  TempTables& operator=(const TempTables&) = delete;

 private:
  Connection& connection_;
  std::string drop_;
};

// merge_adjust: by how much the cohorts' counts of files change. Written by whoever moves files,
// read by MergeTransaction::adjust_counts(). Several rows of one cohort add up; a cohort whose
// count comes to 0 is dropped, also when its rows are all 0.
class CountChanges : public TempTables {
 public:
  explicit CountChanges(Connection& connection)
      : TempTables(connection, {{"merge_adjust", "cohort_id bigint, n bigint"}}),
        connection_(connection) {}
  // Adds the rows that the query gives: cohort_id, n.
  void add(const std::string& query, const Params& params = {}) {
    connection_.run("INSERT INTO merge_adjust " + query, params);
  }

 private:
  Connection& connection_;
};

// What a source's listing changes: merge_delta has the files that are new or differ, merge_gone
// those that are listed no more. SourceCompare fills them, NewFolders reads the new files.
struct SourceDelta : TempTables {
  explicit SourceDelta(Connection& connection)
      : TempTables(connection,
                   {{"merge_delta",
                     "file_id bigint, size bigint, mtime bigint, kind \"char\", staged boolean, "
                     "pending boolean, fresh boolean, was_current boolean, returns boolean, "
                     "arrives boolean, alters boolean, cohort_id bigint, path bytea, target "
                     "bytea"},
                    {"merge_gone", "file_id bigint, was_current boolean"}}) {}
};

// What a mirror's listing changes: merge_changed has the files gained or lost, merge_touched those
// that other merges changed meanwhile, merge_moves the files that leave their cohort, merge_plan
// where to. MirrorCompare's alone.
struct MirrorDelta : TempTables {
  explicit MirrorDelta(Connection& connection)
      : TempTables(
            connection,
            {{"merge_changed", "file_id bigint, cohort_id bigint, current boolean, listed boolean"},
             {"merge_touched", "LIKE file"},
             {"merge_moves", "file_id bigint, from_id bigint"},
             {"merge_plan",
              "from_id bigint PRIMARY KEY, in_place boolean, n bigint, to_id bigint, mirrors "
              "smallint[]"}}) {}
};

}  // namespace mirror::db
