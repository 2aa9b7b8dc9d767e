#include "tools/mb/programs.h"

#include <fmt/core.h>
#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mirror::mb {

std::string program_beside(const std::string& name) {
  char self[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self);
  if (length > 0) {
    const std::string path(self, static_cast<std::size_t>(length));
    const std::string beside = path.substr(0, path.rfind('/') + 1) + name;
    if (::access(beside.c_str(), X_OK) == 0) return beside;
  }
  return name;
}

std::vector<std::string> program_words(const std::string& name, const Context& context) {
  std::vector<std::string> words = {name};
  if (context.config_file) words.insert(words.end(), {"--config", *context.config_file});
  if (context.instance_name) words.insert(words.end(), {"--instance", *context.instance_name});
  return words;
}

void become_program(const std::string& name, std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string program = program_beside(name);
  ::execvp(program.c_str(), argv.data());
  throw Failure(fmt::format("cannot run {}: {}", program, std::strerror(errno)));
}

}  // namespace mirror::mb
