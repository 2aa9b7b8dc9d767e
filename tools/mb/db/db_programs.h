// PostgreSQL's own programs, which find the instance's database by their environment.
#pragma once

#include <string>
#include <vector>

#include "tools/mb/context.h"

namespace mirror::mb {

// Becomes the program; returns only by Failure.
[[noreturn]] void become_postgres_program(Context& context, std::vector<std::string> words,
                                          const std::string& more_options = "");
// Runs it, with the terminal that this program has, and waits, also when Ctrl-C ends it. Its exit
// status; 128 plus the signal. Throws Failure if there is no such program.
int run_postgres_program(Context& context, std::vector<std::string> words);

}  // namespace mirror::mb
