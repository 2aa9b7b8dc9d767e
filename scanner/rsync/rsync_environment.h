// The environment that rsync gets. Internal to scanner/rsync.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mirror::scanner {

// `password`: "" for that of our own environment, if there is one; nullopt: no server gets any.
std::vector<std::string> rsync_environment(const std::optional<std::string>& password);

}  // namespace mirror::scanner
