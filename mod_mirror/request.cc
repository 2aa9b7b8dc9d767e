#include "request.h"

#include <strings.h>

#include <algorithm>
#include <cstring>

#include "core/path.h"

namespace mirror::httpd {
namespace {

constexpr const char* kRetryAfterSeconds = "5";

std::string_view header(const request_rec* r, const char* name) {
  const char* value = apr_table_get(r->headers_in, name);
  return value != nullptr ? value : "";
}

bool is_https(const request_rec* r) {
  const char* flag = apr_table_get(r->subprocess_env, "HTTPS");
  return std::strcmp(ap_http_scheme(r), "https") == 0 || (flag != nullptr && strcasecmp(flag, "on") == 0);
}

bool fits_header(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

Method method_of(const request_rec* r) {
  if (r->method_number != M_GET) return Method::other;
  return r->header_only ? Method::head : Method::get;
}

}  // namespace

std::optional<std::string_view> tree_path(const request_rec* r, const Root& root) {
  const char* whole = root.kind == Root::Kind::directory ? r->filename : r->uri;
  if (whole == nullptr) return std::nullopt;
  std::string_view path = whole;
  std::string_view prefix = root.prefix;
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  if (path.empty()) return path;
  if (path.front() != '/') return std::nullopt;
  return path.substr(1);
}

Request make_request(const request_rec* r, std::string_view path) {
  Request request;
  request.method = method_of(r);
  request.path = path;
  request.query = r->args != nullptr ? r->args : "";
  request.https = is_https(r);
  request.user_agent = header(r, "User-Agent");
  request.mime_type = r->content_type != nullptr ? r->content_type : "";
  request.mime_type = request.mime_type.substr(0, request.mime_type.find(';'));
  request.validators = {header(r, "If-None-Match"), header(r, "If-Modified-Since")};
  request.now_s = apr_time_sec(r->request_time);
  return request;
}

Address client_address(const request_rec* r) {
  const apr_sockaddr_t* address = r->useragent_addr;
  if (address == nullptr || address->ipaddr_ptr == nullptr) return {};
  const std::string_view raw(static_cast<const char*>(address->ipaddr_ptr), address->ipaddr_len);
  return Address::from_bytes(raw).value_or(Address{});
}

void note(request_rec* r, const char* variable, std::string_view value) {
  apr_table_setn(r->subprocess_env, variable, pool_string(r->pool, value));
}

void note_client(request_rec* r, const Client& client) {
  if (client.country.known()) note(r, "MB_COUNTRY_CODE", client.country.text());
  if (client.region != Region::unknown) note(r, "MB_CONTINENT_CODE", region_code(client.region));
}

int write_answer(request_rec* r, const Outcome::Answer& answer) {
  for (const auto& [name, value] : answer.headers) {
    if (!fits_header(value)) {
      log_line(r->server, APLOG_ERR, "the answer to " + printable(r->uri) + " has an unprintable " + name + " and is not sent");
      return HTTP_INTERNAL_SERVER_ERROR;
    }
  }
  for (const auto& [name, value] : answer.headers) {
    if (strcasecmp(name.c_str(), "Content-Type") == 0) continue;
    // These headers stand in error pages' and redirects' responses too, which httpd makes.
    apr_table_addn(r->err_headers_out, pool_string(r->pool, name), pool_string(r->pool, value));
  }
  if (const char* location = apr_table_get(r->err_headers_out, "Location")) apr_table_setn(r->headers_out, "Location", location);
  apr_table_unset(r->err_headers_out, "Location");
  if (answer.body.empty()) return answer.status;
  r->status = answer.status;
  r->content_encoding = nullptr;  // what is known of the file
  r->content_languages = nullptr;
  const auto type =
      std::find_if(answer.headers.begin(), answer.headers.end(), [](const auto& h) { return h.first == "Content-Type"; });
  ap_set_content_type(r, type != answer.headers.end() ? pool_string(r->pool, type->second) : "text/plain; charset=utf-8");
  ap_set_content_length(r, static_cast<apr_off_t>(answer.body.size()));
  if (!r->header_only) ap_rwrite(answer.body.data(), static_cast<int>(answer.body.size()), r);
  return OK;
}

int redirect_to_origin(request_rec* r, const char* origin, std::string_view path) {
  std::string url = file_url(origin, path);
  if (r->args != nullptr) append_url_query(url, r->args);
  const bool keeps_method = r->method_number != M_GET;
  return write_answer(r, {keeps_method ? HTTP_TEMPORARY_REDIRECT : HTTP_MOVED_TEMPORARILY,
                          {{"Location", url}, {"Cache-Control", "private, no-cache"}},
                          {}});
}

int unavailable(request_rec* r) {
  apr_table_setn(r->err_headers_out, "Retry-After", kRetryAfterSeconds);
  return HTTP_SERVICE_UNAVAILABLE;
}

}  // namespace mirror::httpd
