#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "core/limits.h"
#include "core/path.h"
#include "os/descriptor.h"
#include "scanner/list/method.h"
#include "scanner/report/report_lines.h"
#include "scanner/rsync/rsync_list.h"

namespace mirror::scanner::report {
namespace {

constexpr std::size_t kMaxLineBytes = 16384;  // a path of 2,048 bytes, escaped, and then some
constexpr std::size_t kGroup = 1000;          // files whose digests are looked up at a time

class Report {
 public:
  Report(const Target& target, KnownFiles& known, Listing& listing, const Control& control)
      : target_(target), known_(known), listing_(listing), control_(control) {}

  db::Fidelity list() {
    const Descriptor file = open();
    const int fd = file ? file.get() : STDIN_FILENO;
    Lines lines(written_s(fd));
    std::int64_t number = 0;
    LineCutter cutter(kMaxLineBytes,
                      [&](std::string_view text, bool cut) { take(lines, text, cut, ++number); });
    read_all(fd, cutter);
    if (cutter.in_line()) fail("it ends in the middle of a line");
    compare_digests();
    if (!lines.shape()) fail("it is empty");
    return {lines.precision(), *lines.shape() != Shape::sums};
  }

 private:
  [[noreturn]] void fail(const std::string& words) const {
    throw ListingError(
        fmt::format("the report '{}' cannot be used: {}", printable(target_.url), words));
  }
  [[noreturn]] void fail_by_errno() const { fail(std::strerror(errno)); }

  Descriptor open() const {
    if (target_.url == "-") return Descriptor();
    Descriptor file(::open(target_.url.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) fail_by_errno();
    return file;
  }

  // A pipe is written now.
  std::int64_t written_s(int fd) const {
    struct stat status {};
    if (::fstat(fd, &status) != 0) fail_by_errno();
    return S_ISREG(status.st_mode) ? status.st_mtime : std::time(nullptr);
  }

  void read_all(int fd, LineCutter& cutter) const {
    std::array<char, 65536> buffer;
    for (;;) {
      if (control_.stopped())
        throw ListingError(fmt::format("interrupted after {} entries", listing_.counts.entries));
      const ssize_t bytes = ::read(fd, buffer.data(), buffer.size());
      if (bytes < 0 && errno == EINTR) continue;
      if (bytes < 0) fail_by_errno();
      if (bytes == 0) return;
      cutter.feed({buffer.data(), static_cast<std::size_t>(bytes)});
    }
  }

  void take(Lines& lines, std::string_view text, bool cut, std::int64_t number) {
    if (cut) return listing_.add_too_long();
    const Lines::Taken taken = lines.take(text, line_);
    if (taken.fault) {
      fail(lines.shape()
               ? fmt::format("line {} is not as '{}' prints it", number, shape_name(*lines.shape()))
               : fmt::format("line {} is not as rsync --list-only, find -printf, ls -lR "
                             "or sha256sum print it",
                             number));
    }
    if (taken.has_entry && in_directory(line_.entry)) add();
  }

  // Makes the path relative to the directory that is asked for.
  bool in_directory(Entry& entry) const {
    const std::string& directory = target_.directory;
    if (directory.empty()) return true;
    if (!entry.path.starts_with(directory + '/')) return false;
    entry.path.erase(0, directory.size() + 1);
    return true;
  }

  void add() {
    if (!line_.digest) {
      listing_.add(line_.entry);
      return;
    }
    lines_.push_back(line_);
    if (lines_.size() == kGroup) compare_digests();
  }

  // A file whose content is the source's is listed as the source has it; any other one is not.
  void compare_digests() {
    std::vector<std::string> paths;
    for (const Line& line : lines_) paths.push_back(line.entry.path);
    const auto files = known_.files(paths);
    const auto digests = known_.digests(paths);
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const SumsLine& sum = *lines_[i].digest;
      if (!files[i] || !digests[i] || (*digests[i]).*sum.digest != sum.value) continue;
      Entry& entry = lines_[i].entry;
      entry.size_bytes = files[i]->size_bytes, entry.mtime_s = files[i]->mtime_s;
      listing_.add(entry);
    }
    lines_.clear();
  }

  const Target& target_;
  KnownFiles& known_;
  Listing& listing_;
  const Control& control_;
  Line line_;
  std::vector<Line> lines_;  // with digests, to be compared
};

Fault no_fault(std::string_view) { return std::nullopt; }
Fault no_option(std::string_view) { return "a report has no options"; }

db::Fidelity list(const Target& target, KnownFiles& known, Listing& listing,
                  const Control& control) {
  return Report(target, known, listing, control).list();
}

}  // namespace
}  // namespace mirror::scanner::report

namespace mirror::scanner {

// Only by --from: no mirror has an endpoint of it.
constexpr Method kReportMethod = {.name = "report",
                                  .scheme = "file",
                                  .for_mirror = false,
                                  .for_source = false,
                                  .url_fault = report::no_fault,
                                  .option_fault = report::no_option,
                                  .list = report::list};

}  // namespace mirror::scanner
