// Reads the robots.txt of the server that is listed.
#pragma once

#include <functional>
#include <string>

#include "scanner/web/robots.h"
#include "scanner/web/web_client.h"

namespace mirror::scanner::web {

inline constexpr int kMostHops = 5;  // redirects from one URL

struct RobotsRead {
  Robots robots;      // all is allowed where there is no such file
  std::string url;    // of the last answer
  std::string fault;  // why it cannot be read, as text after `url`; "": it could, or there is none
};

// Of the server of `url`. Follows redirects, also to another host, but from a public server to no
// private network; after too many it is as if there were none (RFC 9309 §2.3.1.2). `wait` goes on
// with the client until something was answered.
RobotsRead read_robots(WebClient& client, const std::string& url,
                       const std::function<void()>& wait);

}  // namespace mirror::scanner::web
