// Which files each merge changed, beside file.rev and hash.rev: rows have no index on rev, so that
// a changed row can stay on its page with the index entries that it has. Every INSERT and UPDATE of
// file, and every change of a hash that replicas read, goes through ChangeNotes (a deleted file
// takes its revisions away, and that its hash is deleted its own rev tells), and whoever has
// everything up to one revision asks changed_above() for the rest.
// Internal to lib/db; one thread, one Connection.
#pragma once

#include <cstdint>
#include <string>

#include "pg/connection.h"

namespace mirror::db {

// The revision of a `file f`, and of what is known of it altogether, where its `hash h` is joined
// (LEFT JOIN).
inline constexpr const char* kFileRev = "f.rev";
inline constexpr const char* kFileOrHashRev = "greatest(f.rev, h.rev)";

// Whether notes are complete back to `rev`.
bool noted_above(Connection&, std::int64_t rev);

// The oldest revision back to which they are complete; 0: from the start.
std::int64_t first_noted_rev(Connection&);

// A condition on `file f`: that revision is above `rev`. It reads the notes where they are complete
// back to `rev`, and else all of the table. For the snapshot or the lock under which it was asked
// for.
std::string changed_above(Connection&, std::int64_t rev, const char* which = kFileRev);

// The notes of one merge. What would be too much to note is told by one row without files; so are
// the revisions of a program that knows nothing of notes, by having no row at all.
class ChangeNotes {
 public:
  explicit ChangeNotes(Connection& connection) : connection_(connection) {}

  // Runs an INSERT INTO file or UPDATE file that gives its rows the revision `rev`, at most
  // `at_most` of them; returns how many.
  std::int64_t change(std::int64_t rev, std::int64_t at_most, const std::string& statement,
                      const Params& params);
  // Files whose hashes get the revision `rev`: `query` gives their ids, at most `at_most`.
  void note_hashes(std::int64_t rev, std::int64_t at_most, const std::string& query);
  // Before the commit of a merge that has a revision, whether it changed files or not.
  void finish(std::int64_t rev);
  // Whether it changed so much of the table that the planner's statistics are outdated.
  bool changed_much() const { return too_many_; }

 private:
  // More than a tenth of the table is read no slower as a whole. All notes together are kept at
  // about that length too.
  std::int64_t limit();
  bool too_many(std::int64_t more);
  std::int64_t note_ids(std::int64_t rev, const std::string& query, const Params& params);
  void note(std::int64_t rev, std::int64_t weight, const char* files);

  Connection& connection_;
  std::int64_t limit_ = -1;
  bool noted_ = false, too_many_ = false;
};

}  // namespace mirror::db
