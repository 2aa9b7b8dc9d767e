// The names in what rsync prints of a server's modules, or of one folder. Bytes from outside: a
// server may send any. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scanner/rsync/rsync_list.h"

namespace mirror::scanner {

// Of a line without its newline; "": it names none. A module's line is its name, spaces, a tab and
// a comment. What a message of the day adds in this form counts as a module: a look into it shows
// that it is none.
std::string module_name(std::string_view line);
std::string name_in_folder(std::string_view line);

// The first thousand names of an output that comes in pieces.
class RsyncNames {
 public:
  using NameIn = std::string (*)(std::string_view line);
  explicit RsyncNames(NameIn name_in);
  RsyncNames(const RsyncNames&) = delete;  // its lines lead back to it
  void feed(std::string_view output) { lines_.feed(output); }
  // All of them. The output has ended.
  std::vector<std::string> finish();

 private:
  NameIn name_in_;
  std::vector<std::string> names_;
  LineCutter lines_;
};

}  // namespace mirror::scanner
