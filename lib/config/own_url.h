// Mirrors that would send clients back to the redirector: server_urls in mb.toml says where it is.
#pragma once

#include <string>

#include "config/instance.h"
#include "core/model.h"

namespace mirror {

// What is wrong with a mirror whose URL is this server's; "" when none is.
std::string own_url_trouble(const Instance& instance, const Mirror& mirror);

}  // namespace mirror
