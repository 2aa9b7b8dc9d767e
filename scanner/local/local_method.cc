#include "scanner/list/method.h"
#include "scanner/local/local_list.h"

namespace mirror::scanner {
namespace {

Fault no_fault(std::string_view) { return std::nullopt; }
Fault no_option(std::string_view) { return "the local listing has no options"; }

db::Fidelity list(const Target& target, KnownFiles&, Listing& listing, const Control& control) {
  list_local(target.url, target.directory, listing, control);
  return {};
}

}  // namespace

constexpr Method kLocalMethod = {.name = "local",
                                 .scheme = "",
                                 .for_mirror = false,
                                 .for_source = true,
                                 .url_fault = no_fault,
                                 .option_fault = no_option,
                                 .list = list};

}  // namespace mirror::scanner
