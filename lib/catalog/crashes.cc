#include "catalog/crashes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <csignal>
#include <cstring>

namespace mirror::catalog {
namespace {

struct FatalSignal {
  int number;
  struct sigaction before;
};
FatalSignal fatal_signals[] = {{SIGSEGV, {}}, {SIGBUS, {}}, {SIGABRT, {}}};  // the last one is a failed assertion of LMDB's
CrashHandler crash_handler = nullptr;

// There in every thread from its start: a signal handler that is the first to ask for it must not allocate memory.
constinit thread_local std::atomic<const char*> file_in_use [[gnu::tls_model("initial-exec")]]{nullptr};
constinit thread_local int uses = 0;

void handle(int number) {
  if (const char* file = file_in_use.load()) crash_handler(file);
  for (const FatalSignal& fatal : fatal_signals) {
    if (fatal.number == number) ::sigaction(number, &fatal.before, nullptr);
  }
  ::raise(number);  // delivered when this one returns
}

}  // namespace

InUse::InUse(const std::string& file) noexcept {
  if (uses++ == 0) file_in_use.store(file.c_str(), std::memory_order_release);
}

InUse::~InUse() {
  if (--uses == 0) file_in_use.store(nullptr, std::memory_order_release);
}

void on_crash(CrashHandler handler) {
  if (crash_handler != nullptr) return;
  crash_handler = handler;
  struct sigaction action {};
  action.sa_handler = handle;
  for (FatalSignal& fatal : fatal_signals) ::sigaction(fatal.number, &action, &fatal.before);
}

void count_crash(const char* file) {
  static std::atomic_flag counted;
  char name[PATH_MAX];
  const std::size_t length = std::strlen(file);
  if (counted.test_and_set() || length + kCrashesSuffix.size() >= sizeof name) return;
  std::memcpy(name, file, length);
  std::memcpy(name + length, kCrashesSuffix.data(), kCrashesSuffix.size());
  name[length + kCrashesSuffix.size()] = '\0';
  const int out = ::open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (out < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(out, "+", 1);  // there is nobody to tell when it fails
  ::close(out);
}

std::size_t crashes_of(const std::string& file) {
  struct stat found;
  return ::stat((file + std::string(kCrashesSuffix)).c_str(), &found) == 0 ? static_cast<std::size_t>(found.st_size) : 0;
}

}  // namespace mirror::catalog
