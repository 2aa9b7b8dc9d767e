#include "catalog/crashes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <ctime>

#include "core/fnv.h"

namespace mirror::catalog {
namespace {

std::array<struct sigaction, kFatalSignals.size()> actions_before;
CrashHandler crash_handler = nullptr;
CrashCounts* shared_counts = nullptr;

// There in every thread from its start: a signal handler that is the first to ask for it must not
// allocate memory.
constinit thread_local std::atomic<const char*> file_in_use
    [[gnu::tls_model("initial-exec")]]{nullptr};
constinit thread_local int uses = 0;

// A real fault happens again when this returns, and then the previous handler gets it; a signal
// that was only sent is sent again.
void handle(int number, siginfo_t* info, void*) {
  if (const char* file = file_in_use.load()) crash_handler(file);
  for (std::size_t i = 0; i < kFatalSignals.size(); ++i) {
    if (kFatalSignals[i] == number) ::sigaction(number, &actions_before[i], nullptr);
  }
  if (info->si_code <= 0) ::raise(number);
}

// From name and inode, because the name may be used again for another file; 0: there is none.
std::uint64_t key_of(const char* file) {
  struct stat found;
  if (::stat(file, &found) != 0) return 0;
  return std::max<std::uint64_t>(fnv1a(file) ^ found.st_ino, 1);
}

std::int64_t now_s() { return static_cast<std::int64_t>(::time(nullptr)); }

unsigned lately(std::size_t crashes, std::int64_t last_s) {
  if (crashes < kTooManyCrashes && last_s + kCrashMemorySeconds < now_s()) return 0;
  return static_cast<unsigned>(std::min<std::size_t>(crashes, UINT_MAX));
}

// The name of the file beside it; "" when it is too long.
struct CrashesName {
  char text[PATH_MAX] = "";
  explicit CrashesName(const char* file) {
    const std::size_t length = std::strlen(file);
    if (length + kCrashesSuffix.size() >= sizeof text) return;
    std::memcpy(text, file, length);
    std::memcpy(text + length, kCrashesSuffix.data(), kCrashesSuffix.size());
  }
};

unsigned written_crashes(const struct stat& file) {
  return S_ISREG(file.st_mode) ? lately(static_cast<std::size_t>(file.st_size), file.st_mtim.tv_sec)
                               : 0;
}

void write_crash(const CrashesName& name) {
  const int out = ::open(name.text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  struct stat found;
  if (out < 0) return;
  if (::fstat(out, &found) == 0 && found.st_size > 0 && written_crashes(found) == 0) {
    [[maybe_unused]] const int emptied = ::ftruncate(out, 0);  // where it fails, old ones count on
  }
  [[maybe_unused]] const ssize_t written =
      ::write(out, "+", 1);  // there is nobody to tell when it fails
  ::close(out);
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
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO;
  for (std::size_t i = 0; i < kFatalSignals.size(); ++i)
    ::sigaction(kFatalSignals[i], &action, &actions_before[i]);
}

void CrashCounts::count(const char* file) noexcept {
  const std::uint64_t key = key_of(file);
  if (key == 0) return;
  Entry& entry = entries_[key % entries_.size()];
  std::uint32_t before = entry.crashes;
  const bool first = of(file) == 0;  // what is there is of another file, or of long ago
  entry.file = key;
  entry.last_s = now_s();
  if (!first || !entry.crashes.compare_exchange_strong(before, 1))
    ++entry.crashes;  // who is first alone begins anew
}

unsigned CrashCounts::of(const char* file) const noexcept {
  const std::uint64_t key = key_of(file);
  const Entry& entry = entries_[key % entries_.size()];
  return key == 0 || entry.file != key ? 0 : lately(entry.crashes, entry.last_s);
}

void share_crashes(CrashCounts* counts) { shared_counts = counts; }

void count_crash(const char* file) {
  static std::atomic_flag counted;
  if (counted.test_and_set()) return;
  write_crash(CrashesName(file));  // first: who acts on the other count finds this one
  if (shared_counts != nullptr) shared_counts->count(file);
}

unsigned crashes_of(const std::string& file) {
  struct stat found;
  const unsigned written =
      ::stat(CrashesName(file.c_str()).text, &found) == 0 ? written_crashes(found) : 0;
  return shared_counts == nullptr ? written : std::max(written, shared_counts->of(file.c_str()));
}

}  // namespace mirror::catalog
