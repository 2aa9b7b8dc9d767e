// Ranges of a bucket's keys that are listed beside each other. They cover all keys behind the first
// one's beginning, each once. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mirror::scanner::s3 {

struct KeyRange {
  std::string after;  // "": from the first key on
  std::string to;     // included; "": to the last key
};

// Cut at some of these keys, which come in any order, into `most` ranges at most.
std::vector<KeyRange> cut_ranges(const std::string& after, std::vector<std::string> keys,
                                 std::size_t most);

}  // namespace mirror::scanner::s3
