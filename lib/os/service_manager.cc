#include "os/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace mirror {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

long number(std::string_view text) {
  long value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

ServiceManager::ServiceManager() : address_(environment("NOTIFY_SOCKET")) {
  if (address_.size() < 2 || address_.size() >= sizeof(sockaddr_un::sun_path)) return;
  if (address_[0] == '@') address_[0] = '\0';
  socket_ = Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const std::string_view process = environment("WATCHDOG_PID");
  if (process.empty() || number(process) == ::getpid())
    watchdog_ = std::chrono::microseconds(number(environment("WATCHDOG_USEC")));
}

void ServiceManager::alive() {
  const auto now = std::chrono::steady_clock::now();
  if (watchdog_.count() <= 0 || now - told_alive_ < watchdog_ / 4) return;
  told_alive_ = now;
  tell("WATCHDOG=1");
}

void ServiceManager::tell(std::string_view state) const noexcept {
  if (!socket_) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const auto length = offsetof(sockaddr_un, sun_path) + address_.size();
  ::sendto(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&to), static_cast<socklen_t>(length));
}

}  // namespace mirror
