#include "scanner/web/index_page.h"

#include <set>

#include "fuzz.h"
#include "scanner/web/href.h"
#include "scanner/web/html_links.h"
#include "scanner/web/listed_values.h"
#include "scanner/web/robots.h"

using namespace mirror;
using namespace mirror::scanner::web;

namespace {

void check_entry(const PageEntry& entry) {
  require(!entry.name.empty() && entry.name != "." && entry.name != ".." &&
          entry.name.find_first_of(std::string_view("/\0", 2)) == std::string::npos);
  if (entry.size) require(entry.size->low >= 0 && entry.size->low <= entry.size->high);
  if (entry.time) require(entry.time->precision_s >= 1);
}

// What a server writes for a name leads back to it.
void check_round_trip(std::string_view name) {
  std::string href = "./";
  for (const unsigned char c : name) {
    constexpr const char* kDigits = "0123456789abcdef";
    href += {'%', kDigits[c / 16], kDigits[c % 16]};
  }
  const auto linked = linked_name("http://h/a%20b/", href);
  const bool usable = !name.empty() && name != "." && name != ".." &&
                      name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
  require(linked.has_value() == usable);
  if (linked) require(linked->name == name && !linked->is_folder);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const IndexPage page = read_index("http://h/pub/", text);
  require(page.fault.empty() || page.entries.empty());
  const IndexPage told = read_index("http://h/pub/", text, true);
  require(told.fault.empty() || told.entries.empty());
  require(told.fault.empty() || !page.fault.empty());  // what is whole stays whole
  require(!page.fault.empty() || told.entries.size() == page.entries.size());
  std::set<std::string> names;
  for (const PageEntry& entry : page.entries) {
    check_entry(entry);
    names.insert(entry.name);
  }
  require(page.shape == "JSON" || names.size() == page.entries.size());
  require(bytes_of_latin1(latin1_to_utf8(text)) == text);
  check_round_trip(text);
  linked_name("http://h/pub/", text);
  if (const auto found = find_time(text)) require(found->begin < found->end && found->end <= size);
  for (const auto rounding : {Rounding::apache, Rounding::nginx, Rounding::lighttpd,
                              Rounding::fancyindex, Rounding::unknown}) {
    if (const auto range = read_size(text, rounding))
      require(range->low >= 0 && range->low <= range->high);
  }
  Robots(text).allows("/pub/a/b");
  return 0;
}
