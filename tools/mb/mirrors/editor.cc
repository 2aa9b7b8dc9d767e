#include "tools/mb/mirrors/editor.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "os/child_process.h"
#include "tools/mb/context.h"

namespace mirror::mb {
namespace {

constexpr std::string_view kSuffix = ".json";

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A command for the shell, as all programs take it from these variables.
std::string editor_command() {
  for (const char* const name : {"VISUAL", "EDITOR"}) {
    if (std::string command = environment(name); !command.empty()) return command;
  }
  return find_program("editor", "vi");
}

std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

}  // namespace

EditedFile::EditedFile(std::string_view name, std::string_view text) {
  const std::string folder = environment("TMPDIR");
  path_ = fmt::format("{}/mb-edit-{}.XXXXXX{}", folder.empty() ? "/tmp" : folder, name, kSuffix);
  const int file = ::mkstemps(path_.data(), static_cast<int>(kSuffix.size()));
  if (file < 0) throw Failure(fmt::format("{}: {}", path_, std::strerror(errno)));
  ::close(file);
  write(text);
}

EditedFile::~EditedFile() {
  if (!kept_) ::unlink(path_.c_str());
}

void EditedFile::write(std::string_view text) {
  std::ofstream out(path_, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) throw Failure(fmt::format("{}: {}", path_, std::strerror(errno)));
}

void EditedFile::open_editor() {
  const std::string command = editor_command();
  const int status = std::system((command + " " + shell_word(path_)).c_str());
  if (status == 0) return;
  throw Failure(
      status > 0 && WIFEXITED(status)
          ? fmt::format("the editor ({}) ended with status {}", command, WEXITSTATUS(status))
          : fmt::format("the editor ({}) cannot be run, or was killed", command));
}

std::string EditedFile::read() const {
  std::ifstream in(path_, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in && text.empty() && !in.eof())
    throw Failure(fmt::format("{}: {}", path_, std::strerror(errno)));
  return text;
}

}  // namespace mirror::mb
