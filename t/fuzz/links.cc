#include "core/links.h"

#include <map>

#include "core/path.h"
#include "fuzz.h"

using namespace mirror;

// The input is lines: the path, then a link and its target in turn.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto next_line = [&] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string line(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
  };
  const std::string path = next_line();
  std::map<std::string, std::string> links;
  while (!rest.empty()) {
    const std::string link = next_line();
    links[link] = next_line();
  }
  const ReadLink read_link = [&](const std::string& at) -> std::optional<std::string> {
    const auto found = links.find(at);
    return found == links.end() ? std::nullopt : std::optional(found->second);
  };
  const auto real = resolve_links(path, read_link);
  if (!real || real->find('\0') != real->npos) return 0;
  require(real->empty() || check_path(*real) == PathFault::none);
  require(resolve_links(*real, read_link) == real);
  return 0;
}
