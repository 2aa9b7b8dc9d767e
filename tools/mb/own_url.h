// Mirrors that would send clients back to the redirector: server_urls in mb.toml says where it is.
#pragma once

#include <string>

#include "context.h"
#include "db/mirror/mirrors.h"

namespace mirror::mb {

// What is wrong with a mirror whose URL is this server's; "" when none is.
std::string own_url_trouble(Context& context, const Mirror& mirror);

}  // namespace mirror::mb
