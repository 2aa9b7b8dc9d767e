#include "scanner/check/check_options.h"

#include <algorithm>
#include <chrono>

namespace mirror::probe {

CheckOptions check_options(const Instance& instance, const std::string& program) {
  CheckOptions options;
  options.user_agent = program + " (mod_mirror)";
  options.ca_file = instance.probe_ca;
  options.server_urls = instance.server_urls;
  options.timeout = std::chrono::seconds(instance.probe_timeout_s);
  options.connect_timeout =
      std::min<std::chrono::milliseconds>(options.connect_timeout, options.timeout);
  return options;
}

}  // namespace mirror::probe
