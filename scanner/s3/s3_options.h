// The options of a mirror's s3 endpoint, NAME=VALUE, and its URL. Pure.
#pragma once

#include <string_view>

#include "scanner/list/target.h"

namespace mirror::scanner::s3 {

// connections, rate, bandwidth and heads, as for directory indexes (web/web_options.h).
Fault option_fault(std::string_view option);
Fault url_fault(std::string_view url);

}  // namespace mirror::scanner::s3
