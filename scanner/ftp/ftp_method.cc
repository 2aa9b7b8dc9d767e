#include "scanner/ftp/ftp_options.h"
#include "scanner/ftp/ftp_walk.h"
#include "scanner/list/method.h"

namespace mirror::scanner {

constexpr Method kFtpMethod = {.name = "ftp",
                               .scheme = "ftp",
                               .for_mirror = true,
                               .for_source = false,
                               .url_fault = ftp::ftp_url_fault,
                               .option_fault = ftp::ftp_option_fault,
                               .list = ftp::list_ftp};

}  // namespace mirror::scanner
