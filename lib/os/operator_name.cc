#include "os/operator_name.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "os/host_name.h"

namespace mirror {
namespace {

constexpr std::size_t kLongest = 200;

std::string user_name() {
  const uid_t user = ::getuid();
  const char* const caller = std::getenv("SUDO_USER");
  if (user == 0 && caller != nullptr && *caller != '\0') return caller;
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  const int fault = ::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
  return fault == 0 && found != nullptr ? found->pw_name : std::to_string(user);
}

}  // namespace

std::string operator_name() {
  std::string name = user_name() + "@" + host_name("?");
  for (char& c : name) {
    if (c < '!' || c > '~') c = '?';
  }
  return name.substr(0, kLongest);
}

}  // namespace mirror
