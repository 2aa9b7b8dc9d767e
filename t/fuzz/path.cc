#include "core/path.h"

#include "core/wildcard.h"
#include "fuzz.h"

using namespace mirror;

namespace {

void check_url(std::string_view path) {
  const std::string url = file_url("http://m/", path);
  require(!has_control_bytes(url) && url.find_first_of(" \"<>?#") == url.npos);
  const auto back = percent_decode(std::string_view(url).substr(9));
  require(path.find('\0') != path.npos ? !back : back == path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_url(text);
  require(!has_control_bytes(printable(text)));
  if (const auto path = percent_decode(text); path && check_path(*path) == PathFault::none) {
    require(!path->empty() && path->size() <= kMaxPathBytes && path->front() != '/' &&
            path->find("//") == path->npos);
    require(("/" + *path + "/").find("/../") == path->npos);
    check_url(*path);
  }
  require(wildcard_match("*", text));
  const std::size_t middle = size / 2;
  if (text.find_first_of("*?") == text.npos) require(wildcard_match(text, text));
  wildcard_match(text.substr(0, middle), text.substr(middle));
  return 0;
}
