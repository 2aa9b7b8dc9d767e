#include "render/repository.h"

namespace mirror {

std::string_view Repository::real_directory(std::string_view real_path) const {
  const bool has_marker = real_path.ends_with(marker);
  const std::string_view above =
      real_path.substr(0, real_path.size() - (has_marker ? marker.size() : 0));
  return has_marker && (above.empty() || above.back() == '/') ? above : std::string_view(directory);
}

}  // namespace mirror
