#include "scanner/list/method.h"
#include "scanner/rsync/rsync_command.h"
#include "scanner/rsync/rsync_lister.h"

namespace mirror::scanner {

constexpr Method kRsyncMethod = {.name = "rsync",
                                 .scheme = "rsync",
                                 .for_mirror = true,
                                 .for_source = true,
                                 .url_fault = rsync_url_fault,
                                 .option_fault = rsync_option_fault,
                                 .list = list_rsync};

}  // namespace mirror::scanner
