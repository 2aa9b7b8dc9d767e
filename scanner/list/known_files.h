// What the source has of a listing's files. Methods that list less than sizes and times look at it
// to see what they must ask the server for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/merge/head_sample.h"
#include "db/merge/head_turn.h"
#include "db/merge/known_files.h"

namespace mirror::scanner {

// One thread: the one that lists. Paths are as listed, without the Listing's prefix.
class KnownFiles {
 public:
  virtual ~KnownFiles() = default;
  // For each path, the source's file; nullopt: it has none.
  virtual std::vector<std::optional<db::KnownFile>> files(
      const std::vector<std::string>& paths) = 0;
  // For each path, the digests of the source's file, as far as they are known.
  virtual std::vector<std::optional<FileHashes>> digests(const std::vector<std::string>& paths) = 0;
  // For each path, what tells versions of the source's file apart; nullopt: nothing does.
  virtual std::vector<std::optional<db::KnownContent>> contents(
      const std::vector<std::string>& paths) = 0;
  // The source's files and folders directly in these folders ("" is the root) that web servers do
  // not show.
  virtual std::vector<db::HiddenFile> hidden(const std::vector<std::string>& folders) = 0;
  // For methods that ask for each file: the next ones, at most `limit` of a run of `budget`; empty:
  // there are no more (db/merge/head_turn.h).
  virtual std::vector<db::TurnFile> next_in_turn(std::int32_t limit, std::int64_t budget) = 0;
  // It was asked for; in the order in which they came.
  virtual void done_in_turn(const db::TurnFile& file) = 0;
  virtual bool turn_is_whole() = 0;  // whether all were asked for
  // For methods that ask for a sample (db/merge/head_sample.h): choose(), ask_alone(), keep().
  virtual std::vector<db::SampleFile> sample(std::int32_t count) = 0;
  virtual db::TakenForListed take(std::int64_t upto_rev) = 0;
  virtual std::vector<db::SampleFile> ask_alone(const db::TakenForListed&, std::int32_t limit) = 0;
  virtual void done_with_sample(const db::TakenForListed&, bool with_newest) = 0;
  virtual bool is_first_sample() = 0;
  // For each path, whether the source has anything below it, or a link there.
  virtual std::vector<db::KnownFolder> folders(const std::vector<std::string>& paths) = 0;
};

}  // namespace mirror::scanner
