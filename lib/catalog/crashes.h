// Counts crashes on damaged files. LMDB has no checksums: on a damaged page it may follow a wrong
// pointer, and a signal ends the process. So each thread notes which file it uses, and a handler of
// those signals counts the crash for that file: in memory that the processes share, because the
// disk may be full or read-only, and as a byte for each process in a file beside it, for tools and
// later starts.
#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mirror::catalog {

// After crashes of this many processes a file counts as damaged. Fewer may have crashed for another
// reason.
inline constexpr unsigned kTooManyCrashes = 3;
// Until then, a crash is forgotten if no other one follows within this time.
inline constexpr std::int64_t kCrashMemorySeconds = 600;
inline constexpr std::string_view kCrashesSuffix = "-crashes";
inline constexpr std::array kFatalSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL,
                                             SIGABRT};  // the last one: LMDB's assertions

// While it lives, this thread uses `file`, a string that lives longer. If there are several, the
// first one's file counts.
class InUse {
 public:
  explicit InUse(const std::string& file) noexcept;
  ~InUse();
  InUse(const InUse&) = delete;
};

// Called in a signal handler of the thread that crashed on `file`.
using CrashHandler = void (*)(const char* file);
// Registers a function that is called when a thread that uses a catalog crashes. After it, the
// signal does what it did before. Only the first call has an effect.
void on_crash(CrashHandler handler);

// How many processes crashed on which file in the last minutes. All zero at first; any process may
// count at any time.
class CrashCounts {
 public:
  void count(const char* file) noexcept;
  unsigned of(const char* file) const noexcept;

 private:
  struct Entry {
    std::atomic<std::uint64_t> file;  // of its name and inode
    std::atomic<std::int64_t> last_s;
    std::atomic<std::uint32_t> crashes;
  };
  std::array<Entry, 256> entries_{};
};

// What all processes count in, besides the files; it stays there. Without it there are only those.
void share_crashes(CrashCounts* counts);
// A CrashHandler, which counts this process once.
void count_crash(const char* file);
unsigned crashes_of(const std::string& file);

}  // namespace mirror::catalog
