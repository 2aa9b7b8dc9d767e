// robots.txt (RFC 9309): what a server asks programs not to fetch. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mirror::scanner::web {

// The name by which a robots.txt may speak of us. User-Agents have it.
inline constexpr std::string_view kRobotsName = "mod_mirror";

class Robots {
 public:
  // The rules for kRobotsName, or else those for all. Of a text of any bytes; what comes behind its
  // first 500 KiB is ignored.
  explicit Robots(std::string_view text);
  // `path`: of a URL, escaped, from its slash on.
  bool allows(std::string_view path) const;

 private:
  struct Rule {
    std::string pattern;  // `*` stands for any bytes, `$` at its end for the path's end
    bool allow = false;
  };
  std::vector<Rule> rules_;
};

}  // namespace mirror::scanner::web
