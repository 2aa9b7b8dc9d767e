#include "core/model.h"

#include <algorithm>

namespace mirror {

bool usable_base(std::string_view url, std::string_view scheme) {
  if (!url.starts_with(scheme) || url.size() < scheme.size() + 2 || url[scheme.size()] == '/' ||
      url.back() != '/')
    return false;
  return std::all_of(url.begin(), url.end(), [](unsigned char c) {
    return c > ' ' && c < 0x7f &&
           std::string_view("\"<>\\^`{|}?#").find(static_cast<char>(c)) == std::string_view::npos;
  });
}

}  // namespace mirror
