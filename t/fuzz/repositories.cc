#include "answer/repositories.h"

#include "core/path.h"
#include "fuzz.h"

using namespace mirror;

// The first line is a directory with arguments, the rest a query, whose values may be anything:
// what it names lies in the tree. Of a rule without fault a query finds something.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view query = input.substr(std::min(end + 1, input.size()));
  const auto any = [](std::string_view) { return true; };
  const RepositoryRule configured{
      std::string(input.substr(0, end)), "m/x", {{"a", any}, {"b", any}}};
  const RepositoryRule fixed{"top/{a}", "m/x", {{"a", any}}};
  const bool sound = repository_fault(configured).empty();
  require(!sound || find_repository({&configured, 1}, "a=value&b=value"));
  for (const RepositoryRule* rule : {&configured, &fixed}) {
    const auto found = find_repository({rule, 1}, query);
    if (!found) continue;
    const std::string path = found->marker_path();
    require(check_path(path) == PathFault::none && path.ends_with("m/x"));
    require(rule != &fixed || path.starts_with("top/"));
    require(found->real_directory(path) == found->directory);
  }
  return 0;
}
