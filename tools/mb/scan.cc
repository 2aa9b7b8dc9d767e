// mb scan: becomes mb-scan.
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "commands.h"
#include "output.h"
#include "programs.h"

namespace mirror::mb {
namespace {

constexpr const char* kScanner = "mb-scan";

int run(Context& context, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = program_words(kScanner, context);
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string program = program_beside(kScanner);
  ::execvp(program.c_str(), argv.data());
  throw Failure(fmt::format("cannot run {}: {}", program, std::strerror(errno)));
}

}  // namespace

Action setup_scan(cli::Options& app, Context& context) {
  return [&app, &context] { return run(context, app.remaining()); };
}

}  // namespace mirror::mb
