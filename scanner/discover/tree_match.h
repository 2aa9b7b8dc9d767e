// Whether a folder on a server is the top of the source's tree, by the names in it; and where on an
// rsync server that folder may be. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mirror::scanner::discover {

// How many of the source's names at its top are among `names`, in percent; 0 for a source without.
int percent_of_top(const std::vector<std::string>& top, const std::vector<std::string>& names);
// From so much on it is the same tree: a mirror may leave out folders.
inline constexpr int kSameTree = 50;

// MODULE[/PATH] for each place where the tree may be, the likeliest first, at most kMostPlaces.
// `modules`: as the server lists them; a server may list none of those it has. `url_path`: of the
// mirror's web URL, escaped.
inline constexpr std::size_t kMostPlaces = 12;
std::vector<std::string> rsync_places(const std::vector<std::string>& modules,
                                      std::string_view url_path);

}  // namespace mirror::scanner::discover
