// Whether files that a listing no longer has are gone from the mirror's web server too: a mirror
// that lost its disk, or another one whose listing alone broke. Any thread.
#pragma once

#include <string>
#include <vector>

#include "core/model.h"

namespace mirror::scanner {

inline constexpr int kAskedFiles = 20;

// How the web server answered for each of the files.
struct LossAnswers {
  int gone = 0, there = 0, unclear = 0;  // 404 and 410; 200 and 206; anything else, also silence

  int asked() const { return gone + there + unclear; }
  // Nearly all are gone for certain.
  bool all_gone() const { return gone * 10 >= asked() * 9 && gone > 0; }
  std::string words() const;  // "" if no answer tells anything
};

// Asks by HEAD, or by GET for a byte where HEAD is refused, over http, and over https for what http
// does not have: a file that is there over one of them is there. For all at a time; ends early once
// `stop_fd` is readable. Follows no redirect. Throws FetchError when libcurl cannot be used.
LossAnswers ask_web_server(const Mirror& mirror, const std::vector<std::string>& paths,
                           int timeout_s, int stop_fd);

}  // namespace mirror::scanner
