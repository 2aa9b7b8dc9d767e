// Which files are asked for most, in shared memory: a random sample of the downloads that were
// asked for since the last one was taken. No locks.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "db/redirectors.h"
#include "shared_text.h"

namespace mirror::httpd {

class DemandSample {
 public:
  // Of this tree from now on, since the children of another configuration may have used it for
  // another one.
  void begin(std::string_view tree);
  // One more download of the file of that real path; longer ones than kMostBytes are not counted.
  void note(std::string_view path);
  // Each file of the sample with how many downloads that stands for; a new sample begins.
  std::vector<db::AskedFile> take();

  static constexpr std::size_t kMostBytes = 247, kPlaces = 256;

 private:
  std::atomic<std::uint64_t> tree_{0}, seen_{0};
  std::array<SharedText<kMostBytes>, kPlaces> places_;
};

}  // namespace mirror::httpd
