// In which order a mirror without any index is asked for the source's files, run after run: first
// those that are new since it was last asked for all new ones, then the others by path, on from
// where the last run ended. So among these the longest unchecked come first, and all that is kept
// of a mirror is one row (head_turn). One object for a run; one thread, one Connection, which must
// outlive it. Throws Error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

struct TurnFile {
  std::int64_t id = 0, version_rev = 0;
  std::string path;
  bool had = false;     // the mirror has it, as far as is known
  bool is_new = false;  // it is asked for since its version is new
};

class HeadTurn {
 public:
  // `folder`: only what is below it; "": everything.
  HeadTurn(Connection&, MirrorId, std::string folder);

  // The next files, at most `limit`. New ones are at most nine of ten of `budget`, so that the
  // others have a turn too. Empty: there are no more.
  std::vector<TurnFile> next(std::int32_t limit, std::int64_t budget);
  // It was asked for; in the order in which they came.
  void done(const TurnFile&);
  // Whether all were asked for.
  bool whole() const { return step_ == Step::end && all_new_ && handed_ == done_; }
  // Lets the next run go on from here. Outside of a transaction.
  void keep();

 private:
  enum class Step : std::uint8_t { fresh, rest, from_start, end };
  std::vector<TurnFile> read_new(std::int32_t limit);
  std::vector<TurnFile> read_by_path(std::int32_t limit);
  Params selected(std::int32_t limit) const;
  std::vector<TurnFile> read(const std::string& condition, const char* order, const Params& params,
                             bool is_new);

  Connection& connection_;
  MirrorId mirror_;
  std::string folder_;
  Step step_ = Step::fresh;
  std::int64_t upto_rev_;                // when the run began
  std::int64_t rev_ = 0;                 // all up to there are no longer new
  std::int64_t at_rev_ = 0, at_id_ = 0;  // of those that are new, asked for up to here
  std::string path_, start_;  // the others: asked for up to here; from there on in this run
  std::int64_t next_rev_ = 0, next_id_ = 0;  // read up to here
  std::string next_path_;
  std::int64_t new_handed_ = 0, handed_ = 0, done_ = 0;
  bool all_new_ = false;
};

}  // namespace mirror::db
