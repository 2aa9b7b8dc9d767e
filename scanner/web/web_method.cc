#include "scanner/list/method.h"
#include "scanner/web/web_options.h"
#include "scanner/web/web_walk.h"

namespace mirror::scanner {

constexpr Method kWebMethod = {.name = "http",
                               .scheme = "http",
                               .for_mirror = true,
                               .for_source = false,
                               .url_fault = web::web_url_fault,
                               .option_fault = web::web_option_fault,
                               .list = web::list_web};

}  // namespace mirror::scanner
