// A repository of which a list of mirrors tells.
#pragma once

#include <string>
#include <string_view>

#include "render/representation.h"

namespace mirror {

// One repository, as a request names it.
struct Repository {
  std::string directory;                       // of the tree; "" or ends in '/'
  std::string marker;                          // below it
  Representation form = Representation::text;  // of base URLs; or metalink, of the marker
  std::string url = {};                        // of this list itself, for the Metalink

  std::string marker_path() const { return directory + marker; }
  // Where base URLs lead, when `real_path` is what the marker's path really is.
  std::string_view real_directory(std::string_view real_path) const;
};

}  // namespace mirror
