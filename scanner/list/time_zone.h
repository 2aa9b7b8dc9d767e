// In which time zone a server prints times. Its listings do not tell, and in one with summer time
// two offsets are right, each for its part of the year. So an offset that would explain a time is
// believed once the server has told the exact times of some files (by HEAD, by MDTM), which show
// that it is the right one. Then others are not, but for those of summer time. Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "scanner/list/listed_time.h"

namespace mirror::scanner {

class TimeZone {
 public:
  static constexpr std::int64_t kFurthest_s = std::int64_t{14} * 3600;  // from UTC

  enum class Fit : std::uint8_t {
    same,   // it is the source's time
    ask,    // it may be, in a time zone: the server tells
    other,  // it is not
  };
  // Of a listed time and the source's.
  Fit judge(const ListedTime& listed, std::int64_t source_s) const;
  // Whether an offset is believed.
  bool is_known() const;
  // Between which times the file's may be, by the offsets that were right: as shown while none is
  // believed.
  struct Span {
    std::int64_t low_s = 0, high_s = 0;
  };
  Span in_utc(const ListedTime& listed) const;
  // A file with that exact time as the server shows it, less the offset; nullopt: none explains it.
  static std::optional<std::int64_t> as_shown(const ListedTime& listed, std::int64_t exact_s);
  // What the server said of a file that was listed so, and has that time at the source.
  void learn(const ListedTime& listed, std::int64_t source_s, std::int64_t exact_s);

 private:
  bool is_near_believed(std::int64_t steps) const;
  struct Offset {
    static constexpr std::size_t kEnough = 3;
    static constexpr int kEnoughAlike = 8;
    int right = 0;
    // Some of the listed times that it explained, more than their precision apart: files that came
    // together show little more than one of them.
    std::vector<std::int64_t> times;
    // Of some file it explained the listed time, and was not what the server said.
    bool wrong = false;
    void explain(const ListedTime& listed);
    bool is_known() const { return times.size() >= kEnough || right >= kEnoughAlike; }
  };
  std::map<std::int64_t, Offset>
      offsets_;  // by how many quarters of an hour listed times are ahead
};

}  // namespace mirror::scanner
