// What a list for one client names: the mirrors, and the URLs to use if no mirror works. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "answer/decide.h"

namespace mirror {

// Whether the mirror's URL, in the client's scheme, is this server's own URL of the tree: a
// redirect to it would come back here.
bool is_this_server(const Mirror& mirror, const Request& request, const Client& client);

// The best `how_many` mirrors that an answer may name: rank_first() without this server, which is
// noted in `itself`.
std::vector<Candidate> candidates(std::size_t how_many, const Request& request,
                                  const Client& client, const File& file,
                                  const MirrorTable& mirrors, const Settings& settings,
                                  const Mirror*& itself);

// The fallbacks that fit the client, the best first; among equals the first configured.
std::vector<const Fallback*> fitting_fallbacks(const Client& client, bool https,
                                               const Settings& settings);

struct Listed {
  std::vector<Candidate> ranked;  // best first
  std::size_t with_former = 0;    // so many of these, the last ones, have a former version only
  std::vector<std::string> last_resorts;
  bool https = false, http_only = false;  // what URLs the client wants (protocol=)
  const Mirror* itself = nullptr;         // a mirror that is this server, left out
};

// For `which`, a representation that lists mirrors. `client` is as the query wants it seen. Mirrors
// of file.former come last.
Listed listed(Representation which, const Request& request, const Client& client, const File& file,
              const MirrorTable& mirrors, const Settings& settings);

// The path of the file below Request::tree_url: of its real path where that has one, else of the
// path that was asked for.
std::string_view own_path(const Request& request, const File& file);

}  // namespace mirror
