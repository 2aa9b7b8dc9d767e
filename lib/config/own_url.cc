#include "config/own_url.h"

#include <fmt/core.h>

#include "core/url.h"

namespace mirror {

std::string own_url_trouble(const Instance& instance, const Mirror& mirror) {
  for (const std::string& url : {mirror.http_url, mirror.https_url}) {
    for (const std::string& own : instance.server_urls) {
      if (url.empty() || !is_below(url, own)) continue;
      return fmt::format(
          "the URL {} of mirror '{}' is this server's own ({}, server_urls in {}): clients would "
          "be sent back here",
          url, mirror.identifier, own, instance.file);
    }
  }
  return "";
}

}  // namespace mirror
