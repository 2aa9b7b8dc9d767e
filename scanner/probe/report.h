// What mb-probe says: a line for each check or, as a service, for each change; JSON for machines.
// One thread.
#pragma once

#include <string>

#include "scanner/probe/fleet.h"

namespace mirror::probe {

// A check that has ended, with what it changed.
struct Checked {
  const Item& item;
  const Verdict& verdict;
  std::string path;  // of the file
  State before = State::unknown;
  Job::Kind kind = Job::Kind::presence;
};

// "up", "down", "unknown", or what it is between: "failing", "recovering".
std::string_view state_words(const Item& item);
// The texts, without printing: pure.
std::string check_line(const Checked& checked, std::size_t name_width);
std::string check_json(const Checked& checked);
// "" when the certificate does not end within two weeks.
std::string certificate_warning(const Item& item, std::int64_t now_s);

class Reporter {
 public:
  // `every_check`: not the changes alone.
  Reporter(bool json, bool every_check) : json_(json), every_check_(every_check) {}
  void set_name_width(std::size_t width) { name_width_ = width; }
  void checked(const Checked& checked);
  void no_file(const Item& item);         // that could be asked for
  void warning(const std::string& text);  // to stderr, with the program's name

 private:
  const bool json_, every_check_;
  std::size_t name_width_ = 0;
};

}  // namespace mirror::probe
