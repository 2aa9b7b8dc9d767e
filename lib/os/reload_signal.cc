#include "os/reload_signal.h"

#include <signal.h>

#include <atomic>

namespace mirror {
namespace {

std::atomic<bool> g_reload{false};  // a signal handler reaches nothing else
static_assert(std::atomic<bool>::is_always_lock_free);

void ask_to_reload(int) { g_reload = true; }

}  // namespace

ReloadSignal::ReloadSignal() {
  struct sigaction action {};
  action.sa_handler = ask_to_reload;
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, nullptr);
}

bool ReloadSignal::take() { return g_reload.exchange(false); }

bool ReloadSignal::came() const { return g_reload; }

}  // namespace mirror
