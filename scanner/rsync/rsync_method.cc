#include "scanner/list/method.h"
#include "scanner/rsync/rsync_command.h"
#include "scanner/rsync/rsync_lister.h"

namespace mirror::scanner {
namespace {

// Its listings say all that there is to know.
db::Fidelity list(const Target& target, KnownFiles&, Listing& listing, const Control& control) {
  return list_rsync(target, listing, control);
}

}  // namespace

constexpr Method kRsyncMethod = {.name = "rsync",
                                 .scheme = "rsync",
                                 .for_mirror = true,
                                 .for_source = true,
                                 .url_fault = rsync_url_fault,
                                 .option_fault = rsync_option_fault,
                                 .list = list};

}  // namespace mirror::scanner
