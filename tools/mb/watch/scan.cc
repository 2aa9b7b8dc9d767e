// mb scan: becomes mb-scan.
#include "tools/mb/commands.h"
#include "tools/mb/programs.h"

namespace mirror::mb {
namespace {

constexpr const char* kScanner = "mb-scan";

int run(Context& context, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = program_words(kScanner, context);
  words.insert(words.end(), arguments.begin(), arguments.end());
  become_program(kScanner, words);
}

}  // namespace

Action setup_scan(cli::Options& app, Context& context) {
  return [&app, &context] { return run(context, app.remaining()); };
}

}  // namespace mirror::mb
