// mb scan: becomes mb-scan.
#include <fmt/core.h>
#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "commands.h"
#include "output.h"

namespace mirror::mb {
namespace {

constexpr const char* kScanner = "mb-scan";

// The scanner that came with this program, else the one on PATH.
std::string scanner() {
  char self[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self);
  if (length > 0) {
    const std::string path(self, static_cast<std::size_t>(length));
    const std::string beside = path.substr(0, path.rfind('/') + 1) + kScanner;
    if (::access(beside.c_str(), X_OK) == 0) return beside;
  }
  return kScanner;
}

int run(Context& context, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {kScanner};
  if (context.config_file) words.insert(words.end(), {"--config", *context.config_file});
  if (context.instance_name) words.insert(words.end(), {"--instance", *context.instance_name});
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string program = scanner();
  ::execvp(program.c_str(), argv.data());
  throw Failure(fmt::format("cannot run {}: {}", program, std::strerror(errno)));
}

}  // namespace

Action setup_scan(cli::Options& app, Context& context) {
  return [&app, &context] { return run(context, app.remaining()); };
}

}  // namespace mirror::mb
