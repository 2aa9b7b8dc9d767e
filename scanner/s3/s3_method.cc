#include "scanner/list/method.h"
#include "scanner/s3/s3_options.h"
#include "scanner/s3/s3_walk.h"

namespace mirror::scanner {

constexpr Method kS3Method = {.name = "s3",
                              .scheme = "s3",
                              .for_mirror = true,
                              .for_source = true,
                              .url_fault = s3::url_fault,
                              .option_fault = s3::option_fault,
                              .list = s3::list_s3};

}  // namespace mirror::scanner
