// The other programs of mod_mirror, which some commands start.
#pragma once

#include <string>
#include <vector>

#include "context.h"

namespace mirror::mb {

// The program that came with this one, else the name, for whoever looks on PATH.
std::string program_beside(const std::string& name);
// Its name and the options that say which configuration and instance it is about.
std::vector<std::string> program_words(const std::string& name, const Context& context);

// PostgreSQL's programs, which find the instance's database by their environment.
// Becomes the program; returns only by Failure.
[[noreturn]] void become_postgres_program(Context& context, std::vector<std::string> words,
                                          const std::string& more_options = "");
// Runs it, with the terminal that this program has, and waits, also when Ctrl-C ends it. Its exit
// status; 128 plus the signal. Throws Failure if there is no such program.
int run_postgres_program(Context& context, std::vector<std::string> words);

}  // namespace mirror::mb
