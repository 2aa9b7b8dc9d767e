#include "tools/cli/color.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

namespace mirror::cli {
namespace {

bool g_wanted = false;

constexpr const char *kGreen = "32", *kYellow = "33", *kRed = "31", *kFaint = "2";

struct State {
  std::string_view word;
  const char* color;
};
constexpr State kStates[] = {
    {"up", kGreen},           {"enabled", kGreen},  {"good", kGreen},       {"OK", kGreen},
    {"partly down", kYellow}, {"stale", kYellow},   {"returning", kYellow}, {"WARNING", kYellow},
    {"UNKNOWN", kYellow},     {"down", kRed},       {"wrong", kRed},        {"offline", kRed},
    {"CRITICAL", kRed},       {"disabled", kFaint}, {"weight 0", kFaint},
};

bool is_wanted_here() {
  const char* const none = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (none == nullptr || *none == '\0') &&
         terminal != nullptr && std::string_view(terminal) != "dumb";
}

}  // namespace

void choose_color(std::string_view when) {
  g_wanted = when == "always" || (when == "auto" && is_wanted_here());
}

std::string painted(const std::string& word) {
  if (!g_wanted) return word;
  std::string_view state = word;
  for (const std::string_view end : {":", " since ", " over "})
    state = state.substr(0, state.find(end));
  const auto found = std::find_if(std::begin(kStates), std::end(kStates),
                                  [&](const State& one) { return one.word == state; });
  if (found == std::end(kStates)) return word;
  return std::string("\033[") + found->color + "m" + word + "\033[0m";
}

StatePaint state_paint() { return g_wanted ? painted : nullptr; }

}  // namespace mirror::cli
