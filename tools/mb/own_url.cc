#include "own_url.h"

#include <fmt/core.h>

#include "core/url.h"

namespace mirror::mb {

std::string own_url_trouble(Context& context, const Mirror& mirror) {
  for (const std::string& url : {mirror.http_url, mirror.https_url}) {
    for (const std::string& own : context.instance().server_urls) {
      if (!url.empty() && is_below(url, own))
        return fmt::format(
            "the URL {} of mirror '{}' is this server's own ({}, server_urls in {}): clients would "
            "be sent back here",
            url, mirror.identifier, own, context.instance().file);
    }
  }
  return "";
}

}  // namespace mirror::mb
