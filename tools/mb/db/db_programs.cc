#include "tools/mb/db/db_programs.h"

#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "pg/conninfo.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

constexpr std::string_view kOptionsVariable = "PGOPTIONS=";

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> found;
  for (std::string& word : words) found.push_back(word.data());
  found.push_back(nullptr);
  return found;
}

// Ours, with what names the database in place of what it was.
std::vector<std::string> environment(Context& context, const std::string& more_options) {
  std::vector<std::string> variables = db::environment_of(context.instance().database);
  if (!more_options.empty()) {
    const auto same = [](const std::string& v) { return v.starts_with(kOptionsVariable); };
    const auto found = std::find_if(variables.begin(), variables.end(), same);
    const char* inherited = std::getenv("PGOPTIONS");
    if (found != variables.end())
      *found += " " + more_options;
    else
      variables.push_back(fmt::format("{}{}{}{}", kOptionsVariable, inherited ? inherited : "",
                                      inherited ? " " : "", more_options));
  }
  const std::size_t own = variables.size();
  for (char** inherited = environ; *inherited != nullptr; ++inherited) {
    const std::string_view text = *inherited, name = text.substr(0, text.find('=') + 1);
    const auto end = variables.begin() + static_cast<std::ptrdiff_t>(own);
    if (std::none_of(variables.begin(), end,
                     [&](const std::string& v) { return v.starts_with(name); }))
      variables.emplace_back(text);
  }
  return variables;
}

[[noreturn]] void cannot_run(const std::string& program, int error) {
  throw Failure(fmt::format("cannot run {}: {}{}", program, std::strerror(error),
                            error == ENOENT ? "; PostgreSQL's client programs have it, in Debian "
                                              "the package postgresql-client"
                                            : ""));
}

// Ctrl-C is for the child, which this process has something to clean up after.
class IgnoredKeys {
 public:
  IgnoredKeys() {
    ignore_.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignore_, &interrupt_);
    ::sigaction(SIGQUIT, &ignore_, &quit_);
  }
  ~IgnoredKeys() {
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGQUIT, &quit_, nullptr);
  }
  IgnoredKeys(const IgnoredKeys&) = delete;
  IgnoredKeys& operator=(const IgnoredKeys&) = delete;

 private:
  struct sigaction ignore_ {
  }, interrupt_{}, quit_{};
};

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

void become_postgres_program(Context& context, std::vector<std::string> words,
                             const std::string& more_options) {
  std::vector<std::string> variables = environment(context, more_options);
  ::execvpe(words.front().c_str(), pointers(words).data(), pointers(variables).data());
  cannot_run(words.front(), errno);
}

int run_postgres_program(Context& context, std::vector<std::string> words) {
  std::vector<std::string> variables = environment(context, "");
  flush_output();
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGINT);
  ::sigaddset(&defaults, SIGQUIT);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const IgnoredKeys ignored;
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, words.front().c_str(), nullptr, &attributes,
                                   pointers(words).data(), pointers(variables).data());
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) cannot_run(words.front(), error);
  return wait_for(child);
}

}  // namespace mirror::mb
