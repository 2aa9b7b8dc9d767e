// "Did you mean": the known words closest to one that was mistyped. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mirror {

// Edit distance in bytes (optimal string alignment: insert, delete, replace, swap of neighbours),
// ASCII case ignored.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The words that `word` may have meant, nearest first, at most three: those within a third of its
// length (at least 2), and those that begin with it or contain it when it has three letters or
// more.
std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

// "; did you mean 'a' or 'b'?", for the end of a message; "" when nothing is near. The words are
// made printable.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace mirror
