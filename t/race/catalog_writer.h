// A catalog whose states can be told right from wrong by whoever reads one. Odd mirrors have odd
// versions of a file alone, even mirrors even ones; a version is the file's size, and its hashes
// are made of it; all that one file holds is of one generation. The writer changes cohorts and
// files in many transactions, in the order of a pull (lib/feed/pull.h).
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "catalog/batch.h"
#include "catalog/directory.h"
#include "catalog/reader.h"

namespace mirror::race {

inline constexpr int kFiles = 40, kStaying = 20;  // the others come and go
inline constexpr std::int64_t kNow = 1'700'000'000;
inline constexpr const char* kLink = "latest";  // to one of the first two files
inline constexpr catalog::Access kAccess{.max_bytes = 16 << 20, .max_readers = 128};
std::string path_of(int file);

class CatalogWriter {
 public:
  explicit CatalogWriter(catalog::Directory directory) : directory_(std::move(directory)) {}

  // A new file of the next generation, which CURRENT names then.
  std::string publish_next();
  // One pull's worth of changes.
  void change(catalog::Environment& environment);
  // As a fault of the disk would leave it: no reader can use it any more.
  static void damage(catalog::Environment& environment);
  // CURRENT names a file that is not a catalog.
  void publish_garbage();

  std::int64_t generation() const { return meta_.rev; }
  int roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }

 private:
  struct File {
    std::int64_t version = 1, cohort = 1;
    bool shown = true;
  };
  FeedFile feed_file(int number) const;
  void put_mirrors(catalog::Batch& batch);
  void put_cohort(catalog::Batch& batch, std::int64_t cohort);

  const catalog::Directory directory_;
  catalog::Meta meta_;
  std::vector<File> files_ = std::vector<File>(kFiles);
  std::vector<int> parity_ =
      std::vector<int>(6, 1);  // of each cohort's mirrors; the first one is not used
  std::mt19937 random_{1};
};

// What is wrong with a file as a reader sees it, or with the whole state; "" when all is well.
std::string wrong_file(const catalog::Meta& meta, const MirrorTable& mirrors,
                       const catalog::CatalogFile& found, HashParts parts);
std::string wrong_state(catalog::Reader& reader);

}  // namespace mirror::race
