// The other programs of mod_mirror, which some commands start.
#pragma once

#include <string>
#include <vector>

#include "tools/mb/context.h"

namespace mirror::mb {

// The program that came with this one, else the name, for whoever looks on PATH.
std::string program_beside(const std::string& name);
// Its name and the options that say which configuration and instance it is about.
std::vector<std::string> program_words(const std::string& name, const Context& context);

// Becomes that program, with these words as its command line. Throws Failure where it cannot be
// run.
[[noreturn]] void become_program(const std::string& name, std::vector<std::string> words);

}  // namespace mirror::mb
