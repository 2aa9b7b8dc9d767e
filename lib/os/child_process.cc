#include "os/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace mirror {
namespace {

// A file descriptor until it is released.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  void reset(int fd) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Many lines at a time: a program that writes each few of them would wake us, and wait for us, as
// often.
constexpr int kPipeBytes = 1 << 20;
constexpr std::chrono::milliseconds kGather(3);

void make_pipe(Fd& read_end, Fd& write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("cannot make a pipe");
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  fcntl(ends[0], F_SETPIPE_SZ, kPipeBytes);  // where the system's limits allow it
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// Between fork and exec in a program with threads: async-signal-safe calls only.
struct Start {
  const char* program;
  std::string_view failed;  // what stderr says when it cannot be run
  char* const* argv;
  char* const* env;
  int stdin_fd, stdout_fd, stderr_fd;
  pid_t parent;

  [[noreturn]] void run() const {
    // SIGTERM and not SIGKILL: rsync splits in two, and only its own handler ends the other half.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(127);  // it died before
    setsid();
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGHUP})
      sigaction(signal, &standard, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (dup2(stdin_fd, 0) == 0 && dup2(stdout_fd, 1) == 1 && dup2(stderr_fd, 2) == 2)
      execve(program, argv, env);
    if (write(2, failed.data(), failed.size()) < 0) _exit(126);
    _exit(127);
  }
};

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

bool is_over(const Deadline& deadline) {
  return deadline && std::chrono::steady_clock::now() >= *deadline;
}

// The shorter one of the two limits.
std::int64_t idle_ms(std::chrono::milliseconds idle, const Deadline& deadline) {
  if (!deadline) return idle.count();
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
  return std::clamp<std::int64_t>(left.count(), 0, std::max<std::int64_t>(idle.count(), 0));
}

}  // namespace

std::string find_program(const std::string& name, const std::string& otherwise) {
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    std::string candidate = std::string(rest.substr(0, colon)) + '/' + name;
    if (candidate.front() == '/' && access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  return otherwise;
}

ChildProcess::ChildProcess(const std::string& program, const std::vector<std::string>& argv,
                           const std::vector<std::string>& env, int stdin_fd) {
  Fd null_fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (null_fd.get() < 0) fail("cannot open /dev/null");
  Fd out_read, out_write, error_read, error_write;
  make_pipe(out_read, out_write);
  make_pipe(error_read, error_write);
  const std::vector<char*> argv_pointers = pointers(argv);
  const std::vector<char*> env_pointers = pointers(env);
  const std::string failed = "cannot run " + argv.front() + ": is it installed?\n";
  const Start start{program.c_str(),
                    failed,
                    argv_pointers.data(),
                    env_pointers.data(),
                    stdin_fd >= 0 ? stdin_fd : null_fd.get(),
                    out_write.get(),
                    error_write.get(),
                    getpid()};
  pid_ = fork();
  if (pid_ < 0) fail("cannot start a process");
  if (pid_ == 0) start.run();
  stdout_fd_ = out_read.release();
  stderr_fd_ = error_read.release();
}

ChildProcess::~ChildProcess() {
  kill_group();
  for (const int fd : {stdout_fd_, stderr_fd_}) {
    if (fd >= 0) close(fd);
  }
}

ReadEnd ChildProcess::read(const OnData& on_stdout, const OnData& on_stderr, Patience patience,
                           int stop_fd) {
  std::vector<char> buffer(kPipeBytes);
  std::array<pollfd, 3> streams{
      {{stdout_fd_, POLLIN, 0}, {stderr_fd_, POLLIN, 0}, {stop_fd, POLLIN, 0}}};
  auto idle = patience.first;
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    const int ready =
        poll(streams.data(), streams.size(), static_cast<int>(idle_ms(idle, patience.deadline)));
    if (ready < 0 && errno != EINTR) fail("cannot wait for what a program says");
    if (ready < 0) continue;
    if (ready == 0) return ReadEnd::idle;
    if (streams[2].revents != 0) return ReadEnd::stopped;
    if (is_over(patience.deadline)) return ReadEnd::idle;
    idle = patience.between;
    if (streams[0].revents == POLLIN) poll(nullptr, 0, static_cast<int>(kGather.count()));
    for (std::size_t i = 0; i < 2; ++i) {
      if (streams[i].fd < 0 || streams[i].revents == 0) continue;
      const ssize_t got = ::read(streams[i].fd, buffer.data(), buffer.size());
      if (got > 0) (i == 0 ? on_stdout : on_stderr)({buffer.data(), static_cast<std::size_t>(got)});
      if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) streams[i].fd = -1;
    }
  }
  return ReadEnd::finished;
}

int ChildProcess::wait(std::chrono::milliseconds patience, int stop_fd) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  siginfo_t
      ended{};  // looked at without reaping, so that the group's id stays ours until it is killed
  while (waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == 0 && std::chrono::steady_clock::now() < deadline) {
    pollfd stop{stop_fd, POLLIN, 0};
    if (poll(&stop, 1, 5) > 0) break;
  }
  const int status = kill_group();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int ChildProcess::kill_group() {
  if (pid_ < 0) return 0;
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);  // it may not have reached setsid
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

}  // namespace mirror
