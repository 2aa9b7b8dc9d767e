// Checks whether the directives fit together, for `apachectl configtest`.
#pragma once

#include "dir_config.h"

namespace mirror::httpd {

// One line per fault, each with the file and line that it concerns.
std::vector<std::string> check_configuration(const server_rec* main_server);

}  // namespace mirror::httpd
