// The directives: one table, from which parsing, `httpd -L`, inheritance and the manual's check are
// driven.
#pragma once

#include <span>
#include <stdexcept>
#include <string_view>

#include "dir_config.h"

namespace mirror::httpd {

// A directive's value that cannot be used; httpd adds the file and the line to the message.
class BadValue : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Line {
  cmd_parms* cmd;
  std::span<char* const> words;
};

enum class Scope {
  global,   // the main server only
  tree,     // server, virtual host, <Location>, <Directory>: what has one prefix
  section,  // anywhere but .htaccess
};

struct Directive {
  const char* name;
  Scope context;
  int min_words;
  int max_words;
  const char* help;                                    // syntax and default, for httpd -L
  void (*apply)(const Line& line, DirConfig& config);  // throws BadValue
  // Takes what `own` does not set; null for Scope::global.
  void (*inherit)(DirConfig& own, const DirConfig& parent, apr_pool_t* pool);
};

std::span<const Directive> directives();
// nullptr: there is none of that name.
const Directive* directive_by_name(std::string_view name);
// Checks the line and does what it says. Throws BadValue.
void apply(const Directive& directive, const Line& line, DirConfig& config);

// The same table in httpd's form, and MirrorBrain's directives (mirrorbrain.h).
const command_rec* commands();

}  // namespace mirror::httpd
