// Colours for words that say whether something is well. The one owner of what is painted how, and
// of whether anything is. One thread.
#pragma once

#include <string>
#include <string_view>

namespace mirror::cli {

// `when`: always, never, or auto: if standard output is a terminal that is not dumb, and NO_COLOR
// is unset or empty (no-color.org). Until then nothing is painted. REQUIRES: called once at most.
void choose_color(std::string_view when);

// The word, which is safe for terminals, in the colour of the state that it begins with: "down",
// "stale since …", "wrong: …". As it is if colours are not wanted, or it is no state.
std::string painted(const std::string& word);

// painted() for TextTable::text(); nullptr: colours are not wanted.
using StatePaint = std::string (*)(const std::string&);
StatePaint state_paint();

}  // namespace mirror::cli
