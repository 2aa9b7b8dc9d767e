#include "scanner/head/head_options.h"
#include "scanner/head/head_walk.h"
#include "scanner/list/method.h"

namespace mirror::scanner {

constexpr Method kHeadMethod = {.name = "head",
                                .scheme = "http",
                                .for_mirror = true,
                                .for_source = false,
                                .url_fault = web::web_url_fault,
                                .option_fault = head::head_option_fault,
                                .list = head::list_by_head};

}  // namespace mirror::scanner
