#include "scanner/check/answers.h"

#include <algorithm>
#include <optional>

#include "core/address.h"
#include "core/ascii.h"
#include "core/path.h"
#include "core/url.h"
#include "net/request_pool.h"

namespace mirror::probe {
namespace {

std::string_view folder_of(std::string_view url) {
  url = without_query(url);
  return url.substr(0, url.rfind('/') + 1);
}

}  // namespace

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_page(std::string_view content_type) {
  const std::string type = lower(content_type.substr(0, content_type.find(';')));
  return type.starts_with("text/html") || type.starts_with("application/xhtml");
}

std::string_view without_query(std::string_view url) {
  return url.substr(0, url.find_first_of("?#"));
}

std::string last_segment(std::string_view url) {
  url = without_query(url);
  const std::string_view segment = url.substr(url.rfind('/') + 1);
  return percent_decode(segment).value_or(std::string(segment));
}

bool is_own(std::string_view url, const std::vector<std::string>& server_urls) {
  return std::any_of(server_urls.begin(), server_urls.end(),
                     [&](const std::string& own) { return is_below(folder_of(url), own); });
}

bool is_private_text(const std::string& address) {
  const std::optional<Address> parsed = Address::parse(address);
  return parsed && net::is_private(*parsed);
}

}  // namespace mirror::probe
