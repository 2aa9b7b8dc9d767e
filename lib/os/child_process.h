// A child process whose output is read through pipes, in its own session, so that it and all it
// starts can be ended together and it cannot ask at a terminal. When this program dies, however
// suddenly, the kernel ends the child (PR_SET_PDEATHSIG follows the thread that made it: create,
// read and destroy a ChildProcess in one thread).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mirror {

enum class ReadEnd { finished, idle, stopped };

// Searches the program in PATH's absolute directories; returns `otherwise` if it is in none.
std::string find_program(const std::string& name, const std::string& otherwise);

class ChildProcess {
 public:
  // Runs the file `program` with exactly the environment `env` (NAME=value). stdin is empty, or
  // `stdin_fd`, which stays the caller's. If the program cannot be started, stderr says why and the
  // exit status is 127. Throws std::system_error if there is no process or descriptor left.
  ChildProcess(const std::string& program, const std::vector<std::string>& argv,
               const std::vector<std::string>& env, int stdin_fd = -1);
  // Kills all processes of its group that still run.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  using OnData = std::function<void(std::string_view)>;
  struct Patience {
    std::chrono::milliseconds first;    // until the first data
    std::chrono::milliseconds between;  // from any data to the next
    // The end of all together, however much comes.
    std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
  };
  // Reads both streams until they end (finished), until nothing came within the limit or the
  // deadline passed (idle), or until `stop_fd` becomes readable (stopped); -1: none.
  ReadEnd read(const OnData& on_stdout, const OnData& on_stderr, Patience patience, int stop_fd);

  // Waits until the child has ended, at most `patience` or until `stop_fd` becomes readable, then
  // kills it. Its exit status; 128 plus the signal that ended it.
  int wait(std::chrono::milliseconds patience, int stop_fd = -1);

 private:
  int kill_group();  // and reaps: the wait status
  pid_t pid_ = -1;
  int stdout_fd_ = -1;
  int stderr_fd_ = -1;
};

}  // namespace mirror
