#include "log_reader.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <vector>

#include "context.h"
#include "os/child_process.h"
#include "os/descriptor.h"

namespace mirror::mb {
namespace {

constexpr std::size_t kLongestLine = std::size_t{64} << 10;
constexpr std::size_t kPiece = std::size_t{256} << 10;

class Lines {
 public:
  explicit Lines(const std::function<void(std::string_view)>& take) : take_(take) {}

  void add(std::string_view data) {
    for (std::size_t end; (end = data.find('\n')) != data.npos; data.remove_prefix(end + 1)) {
      if (begun_.empty() && !too_long_)
        take_(data.substr(0, end));
      else
        finish(data.substr(0, end));
    }
    if (begun_.size() + data.size() > kLongestLine) too_long_ = true;
    if (too_long_)
      begun_.clear();
    else
      begun_ += data;
  }
  void end() {
    if (!begun_.empty()) take_(begun_);
  }

 private:
  void finish(std::string_view rest) {
    if (!too_long_) take_(begun_ += rest);
    begun_.clear();
    too_long_ = false;
  }

  const std::function<void(std::string_view)>& take_;
  std::string begun_;
  bool too_long_ = false;
};

[[noreturn]] void fail(const std::string& file, const std::string& why) {
  throw Failure(fmt::format("{}: {}", file == "-" ? "standard input" : file, why));
}

void read_plain(const std::string& file, int fd, Lines& lines) {
  std::vector<char> piece(kPiece);
  while (true) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got == 0) return;
    if (got > 0)
      lines.add({piece.data(), static_cast<std::size_t>(got)});
    else if (errno != EINTR)
      fail(file, std::strerror(errno));
  }
}

// Which program reads a file that begins so; "": none is needed.
std::string unpacker_of(int fd) {
  std::array<char, 6> head{};
  const ssize_t got = ::pread(fd, head.data(), head.size(), 0);
  const std::string_view begin(head.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  if (begin.starts_with("\x1f\x8b")) return "gzip";
  if (begin.starts_with("\xfd"
                        "7zXZ"))
    return "xz";
  if (begin.starts_with("\x28\xb5\x2f\xfd")) return "zstd";
  return "";
}

void read_unpacked(const std::string& file, int fd, const std::string& program, Lines& lines) {
  constexpr std::chrono::hours kPatience(1);
  constexpr std::size_t kMostWords = 500;
  std::string errors;
  ChildProcess child(find_program(program, "/usr/bin/" + program), {program, "-dc"},
                     {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}, fd);
  const ReadEnd end =
      child.read([&](std::string_view data) { lines.add(data); },
                 [&](std::string_view data) {
                   errors += data.substr(0, kMostWords - std::min(errors.size(), kMostWords));
                 },
                 {kPatience, kPatience}, -1);
  if (end == ReadEnd::finished && child.wait(kPatience) == 0) return;
  while (errors.ends_with('\n')) errors.pop_back();
  fail(file, errors.empty() ? program + " cannot read it" : errors);
}

}  // namespace

void read_log_lines(const std::string& file, const std::function<void(std::string_view)>& take) {
  Lines lines(take);
  if (file == "-") {
    read_plain(file, STDIN_FILENO, lines);
  } else {
    const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) fail(file, std::strerror(errno));
    const std::string unpacker = unpacker_of(opened.get());
    if (unpacker.empty())
      read_plain(file, opened.get(), lines);
    else
      read_unpacked(file, opened.get(), unpacker, lines);
  }
  lines.end();
}

}  // namespace mirror::mb
