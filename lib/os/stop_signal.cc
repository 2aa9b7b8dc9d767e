#include "os/stop_signal.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace mirror {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

// A signal handler reaches nothing else.
std::atomic<bool> g_asked{false};
std::atomic<int> g_event_fd{-1};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void ask_to_stop(int) {
  const int error = errno;
  g_asked = true;
  const std::uint64_t one = 1;
  // Code that only polls the descriptor would otherwise not notice it; an eventfd accepts this
  // write.
  if (write(g_event_fd, &one, sizeof one) < 0) _exit(128 + SIGTERM);
  errno = error;
}

void handle(void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  for (const int number : kSignals) sigaction(number, &action, nullptr);
}

}  // namespace

StopSignal::StopSignal() : event_(eventfd(0, EFD_CLOEXEC)) {
  if (!event_) throw std::system_error(errno, std::generic_category(), "cannot make an eventfd");
  g_event_fd = event_.get();
  handle(ask_to_stop, static_cast<int>(SA_RESETHAND) | SA_RESTART);
  signal(SIGPIPE, SIG_IGN);
}

StopSignal::~StopSignal() { handle(SIG_DFL, 0); }

void StopSignal::wait(std::chrono::milliseconds limit) const {
  pollfd event{event_.get(), POLLIN, 0};
  ::poll(&event, 1, static_cast<int>(limit.count()));
}

const std::atomic<bool>& StopSignal::asked() const { return g_asked; }

}  // namespace mirror
