// The environment that rsync gets. Internal to scanner/rsync.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mirror::scanner {

// `password`: "" for that of our own environment, if there is one; nullopt: no server gets any.
// `ca_file`: of those who sign certificates, for rsync-ssl; "": the system's.
std::vector<std::string> rsync_environment(const std::optional<std::string>& password,
                                           const std::string& ca_file = "");

}  // namespace mirror::scanner
