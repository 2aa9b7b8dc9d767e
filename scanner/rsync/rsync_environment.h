// The environment that rsync gets. Internal to scanner/rsync.
#pragma once

#include <string>
#include <vector>

namespace mirror::scanner {

// `password`: "" for that of our own environment, if there is one.
std::vector<std::string> rsync_environment(const std::string& password);

}  // namespace mirror::scanner
