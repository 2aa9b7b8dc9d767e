// Crashes on damaged files. LMDB has no checksums: it follows what a page says, and the process ends by a signal. So threads tell
// which file they use, a handler of those signals learns from that what they crashed on, and a byte in a file beside it stands
// for each process that did.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mirror::catalog {

// From so many processes on a file is taken for damaged; fewer may have crashed for a reason of their own.
inline constexpr std::size_t kTooManyCrashes = 3;
inline constexpr std::string_view kCrashesSuffix = "-crashes";

// While it lives, this thread uses `file`, a string that lives longer. Where several live, the first one's file counts.
class InUse {
 public:
  explicit InUse(const std::string& file) noexcept;
  ~InUse();
  InUse(const InUse&) = delete;
};

// Called in a signal handler of the thread that crashed on `file`.
using CrashHandler = void (*)(const char* file);
// Has it called when a thread crashes that uses a catalog; then the signal does what it did before. Only the first call of this
// has an effect.
void on_crash(CrashHandler handler);

// A CrashHandler, which counts this process once.
void count_crash(const char* file);
std::size_t crashes_of(const std::string& file);

}  // namespace mirror::catalog
