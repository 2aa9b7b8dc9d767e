#include "scanner/check/answers.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/address.h"
#include "core/ascii.h"
#include "core/http_date.h"
#include "core/number.h"
#include "core/path.h"
#include "core/url.h"

namespace mirror::probe {
namespace {

constexpr std::size_t kMaxReasonBytes = 400;  // of the 500 that a row may have

std::string_view folder_of(std::string_view url) {
  url = without_query(url);
  return url.substr(0, url.rfind('/') + 1);
}

// Of what a server sends.
std::optional<std::int64_t> size_of(std::string_view text) {
  const auto value = whole_number<std::int64_t>(text);
  return value && *value >= 0 ? value : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> size_in(const net::PoolAnswer& answer) {
  const std::string_view coding = answer.header("Content-Encoding");
  if (!coding.empty() && coding != "identity") return std::nullopt;
  if (answer.status == 206 || answer.status == 416) {
    const std::string_view range = answer.header("Content-Range");
    const std::size_t slash = range.rfind('/');
    return slash == range.npos ? std::nullopt : size_of(range.substr(slash + 1));
  }
  return size_of(answer.header("Content-Length"));
}

std::optional<std::int64_t> mtime_in(const net::PoolAnswer& answer) {
  const std::int64_t time_s = parse_http_date(answer.header("Last-Modified"));
  return time_s >= 0 ? std::optional(time_s) : std::nullopt;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool head_may_be_refused(int status) { return status == 403 || status == 405 || status == 501; }

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

RedirectFault redirect_fault(const std::vector<std::string>& asked, const std::string& to,
                             const std::vector<std::string>& server_urls, bool public_only) {
  if (to.empty()) return {"answers with a redirect to nowhere"};
  if (is_own(to, server_urls)) return {"redirects back to us: " + to};
  if (!to.starts_with("http://") && !to.starts_with("https://"))
    return {"redirects to what is neither http nor https: " + to};
  if (asked.back().starts_with("https:") && !to.starts_with("https:"))
    return {"redirects from https to http: " + to};
  if (last_segment(to) != last_segment(asked.front()))
    return {"redirects to another file: " + to, true};
  if (std::find(asked.begin(), asked.end(), to) != asked.end()) return {"redirects in a loop"};
  if (asked.size() > kMaxRedirects)
    return {fmt::format("redirects more than {} times", kMaxRedirects)};
  if (public_only && is_private_text(std::string(url_host(to))))
    return {"redirects to an address of a private network: " + to};
  return {};
}

std::string bounded(std::string_view reason) {
  std::string text = printable(reason);
  if (text.size() <= kMaxReasonBytes) return text;
  std::size_t end = kMaxReasonBytes;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // inside a UTF-8 sequence
  return text.substr(0, end) + "...";
}

}  // namespace mirror::probe
