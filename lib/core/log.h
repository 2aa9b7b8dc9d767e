// Where log lines go: the module passes them to httpd, the tools write them to standard error. Each
// line has an id, under which the manual (doc/log.md) says what to do, and its place in the source.
// From any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace mirror {

enum class LogLevel : std::uint8_t { notice, warning, error };

// An id is never used twice and never changed, because people search for it. 0: none.
struct LogId {
  constexpr explicit LogId(int given = 0) : number(given) {}
  int number;
};

struct LogPlace {
  const char* file;
  int line;
  // Of the call that has it as its default argument.
  static constexpr LogPlace here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

struct LogLine {
  LogLevel level;
  LogId id;
  std::string text;
  LogPlace place;
};

class Log {
 public:
  using Sink = std::function<void(const LogLine&)>;

  explicit Log(Sink sink) : sink_(std::move(sink)) {}
  // For tests and tools, which need no ids.
  template <class Plain>
  requires std::is_invocable_v<Plain, LogLevel, const std::string&> Log(Plain plain)
      : sink_([plain = std::move(plain)](const LogLine& line) { plain(line.level, line.text); }) {}

  void operator()(const LogLine& line) const { sink_(line); }
  void operator()(LogLevel level, LogId id, std::string text,
                  LogPlace place = LogPlace::here()) const {
    sink_({level, id, std::move(text), place});
  }
  void operator()(LogLevel level, std::string text, LogPlace place = LogPlace::here()) const {
    sink_({level, LogId(), std::move(text), place});
  }

 private:
  Sink sink_;
};

}  // namespace mirror
