#include "tools/mb/files/log_lines.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "moving/access_log.h"
#include "os/child_process.h"
#include "tools/mb/context.h"

namespace mirror::mb {
namespace {

constexpr std::size_t kBlockBytes = 65536;
constexpr char kGzip[] = "\x1f\x8b";

[[noreturn]] void cannot_read(const std::string& file, const std::string& why) {
  throw Failure(fmt::format("{} cannot be read: {}", file, why));
}

ssize_t read_some(int fd, char* room, std::size_t bytes) {
  ssize_t count = -1;
  do {
    count = ::read(fd, room, bytes);
  } while (count < 0 && errno == EINTR);
  return count;
}

}  // namespace

LogLines::LogLines(std::string file) : file_(std::move(file)) {
  if (file_ == "-") {
    input_ = Descriptor(::dup(STDIN_FILENO));
  } else {
    input_ = Descriptor(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!input_) cannot_read(file_, std::strerror(errno));
  char magic[2] = {};
  if (file_ != "-" && ::pread(input_.get(), magic, 2, 0) == 2 && std::memcmp(magic, kGzip, 2) == 0)
    unpack();
}

LogLines::~LogLines() {
  if (gzip_ < 0) return;
  ::kill(gzip_, SIGTERM);
  ::waitpid(gzip_, nullptr, 0);
}

void LogLines::unpack() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) cannot_read(file_, std::strerror(errno));
  Descriptor read_end(ends[0]);
  const Descriptor write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input_.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  char* const words[] = {const_cast<char*>("gzip"), const_cast<char*>("-cd"), nullptr};
  const std::string program = find_program("gzip", "/usr/bin/gzip");
  const int fault = ::posix_spawn(&gzip_, program.c_str(), &actions, nullptr, words, ::environ);
  posix_spawn_file_actions_destroy(&actions);
  if (fault != 0) {
    gzip_ = -1;
    cannot_read(file_, fmt::format("{}: {}", program, std::strerror(fault)));
  }
  input_ = std::move(read_end);
}

// False at the end.
bool LogLines::refill() {
  block_.resize(kBlockBytes);
  at_ = 0;
  const ssize_t count = read_some(input_.get(), block_.data(), block_.size());
  const int error = errno;
  block_.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count < 0) cannot_read(file_, std::strerror(error));
  if (count > 0 || gzip_ < 0) return count > 0;
  int status = 0;
  ::waitpid(std::exchange(gzip_, -1), &status, 0);
  if (status != 0) cannot_read(file_, "gzip cannot unpack all of it");
  return false;
}

bool LogLines::next(std::string& line) {
  line.clear();
  bool any = false;
  for (;;) {
    if (at_ == block_.size() && !refill()) return any;
    any = true;
    const std::size_t end = block_.find('\n', at_);
    const std::size_t stop = std::min(end, block_.size());
    const std::size_t room = kMaxLogLineBytes + 1 - line.size();
    line.append(block_, at_, std::min(stop - at_, room));
    at_ = end == block_.npos ? block_.size() : end + 1;
    if (end != block_.npos) return true;
  }
}

}  // namespace mirror::mb
