#include "scanner/rsync/rsync_names.h"

#include "core/path.h"
#include "fuzz.h"
#include "scanner/discover/tree_match.h"
#include "scanner/rsync/rsync_command.h"

using namespace mirror;
using namespace mirror::scanner;

namespace {

std::vector<std::string> names_of(std::string_view output, RsyncNames::NameIn name_in,
                                  std::size_t piece_bytes) {
  RsyncNames names(name_in);
  for (; output.size() > piece_bytes; output.remove_prefix(piece_bytes))
    names.feed(output.substr(0, piece_bytes));
  names.feed(output);
  return names.finish();
}

// The same names, in whatever pieces the output comes.
std::vector<std::string> checked_names(std::string_view output, RsyncNames::NameIn name_in) {
  std::vector<std::string> names = names_of(output, name_in, output.size() + 1);
  require(names == names_of(output, name_in, 1) && names == names_of(output, name_in, 7));
  require(names.size() <= 1000);
  for (const std::string& name : names)
    require(!name.empty() && name.size() <= kMaxPathBytes && name.find('\n') == name.npos);
  return names;
}

// What discovery makes of modules: a bounded number of URLs, of which it looks at those without
// fault.
void check_places(const std::vector<std::string>& modules, std::string_view url_path) {
  const std::vector<std::string> places = discover::rsync_places(modules, url_path);
  require(places.size() <= discover::kMostPlaces);
  for (const std::string& place : places) {
    const std::string url = "rsync://h/" + escape_rsync_path(place) + '/';
    if (!rsync_url_fault(url)) require(url.find('\0') == url.npos);
  }
}

}  // namespace

// The first line is the path of the mirror's URL.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find('\n'), size);
  const std::string_view output = text.substr(std::min(end + 1, size));
  const std::vector<std::string> modules = checked_names(output, module_name);
  for (const std::string& module : modules) {
    require(module.find('/') == module.npos && module != "." && module != "..");
    require(module_name(module + "   \tits comment") == module);
  }
  check_places(modules, text.substr(0, end));
  const std::vector<std::string> names = checked_names(output, name_in_folder);
  const int percent = discover::percent_of_top(modules, names);
  require(percent >= 0 && percent <= 100);
  return 0;
}
