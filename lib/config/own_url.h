// Mirrors that would send clients back to the redirector, whose own URLs are server_urls in
// mb.toml.
#pragma once

#include <string>

#include "config/instance.h"
#include "core/model.h"

namespace mirror {

// What is wrong with a mirror whose URL is this server's; "" when none is.
std::string own_url_trouble(const Instance& instance, const Mirror& mirror);

}  // namespace mirror
