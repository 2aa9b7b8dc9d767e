#include "programs.h"

#include <limits.h>
#include <unistd.h>

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

}  // namespace mirror::mb
