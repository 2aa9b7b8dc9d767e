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

Address address_of(const apr_sockaddr_t* address) {
  if (address == nullptr || address->ipaddr_ptr == nullptr) return {};
  const std::string_view raw(static_cast<const char*>(address->ipaddr_ptr), address->ipaddr_len);
  return Address::from_bytes(raw).value_or(Address{});
}

bool is_https(const request_rec* r) {
  const char* flag = apr_table_get(r->subprocess_env, "HTTPS");
  return std::strcmp(ap_http_scheme(r), "https") == 0 ||
         (flag != nullptr && strcasecmp(flag, "on") == 0);
}

Method method_of(const request_rec* r) {
  if (r->method_number != M_GET) return Method::other;
  return r->header_only ? Method::head : Method::get;
}

int pass(request_rec* r, apr_bucket_brigade* brigade) {
  APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(brigade->bucket_alloc));
  const apr_status_t sent = ap_pass_brigade(r->output_filters, brigade);
  return sent == APR_SUCCESS || r->connection->aborted ? OK : AP_FILTER_ERROR;
}

// Hands the body to httpd as it is, without a copy: it lives as long as the request.
int send_body(request_rec* r, std::string_view body, apr_bucket* rest) {
  const apr_size_t rest_bytes = rest != nullptr ? rest->length : 0;
  ap_set_content_length(r, static_cast<apr_off_t>(body.size() + rest_bytes));
  apr_bucket_alloc_t* buckets = r->connection->bucket_alloc;
  apr_bucket_brigade* brigade = apr_brigade_create(r->pool, buckets);
  APR_BRIGADE_INSERT_TAIL(brigade,
                          apr_bucket_pool_create(body.data(), body.size(), r->pool, buckets));
  if (rest != nullptr) APR_BRIGADE_INSERT_TAIL(brigade, rest);
  return pass(r, brigade);
}

// nullptr when not even the first byte can be had.
apr_bucket* first_of_rest(request_rec* r, RestReader rest, std::int64_t bytes) {
  if (!rest || rest(0, 1).size() != 1) return nullptr;
  return make_rest_bucket(r->pool, r->connection->bucket_alloc, std::move(rest), 0, bytes);
}

// Like httpd's own redirects, through the filters of error pages, but without a page: nobody reads
// it, and to write and send it costs more than all the rest.
int send_redirect(request_rec* r, int status) {
  r->status = status;
  r->content_type = nullptr;  // what is known of the file
  r->content_encoding = nullptr;
  r->content_languages = nullptr;
  const char* location = apr_table_get(r->headers_out, "Location");
  apr_table_clear(r->headers_out);
  if (location != nullptr) apr_table_setn(r->headers_out, "Location", location);
  r->output_filters = r->proto_output_filters;
  ap_run_insert_error_filter(r);
  ap_set_content_length(r, 0);
  return pass(r, apr_brigade_create(r->pool, r->connection->bucket_alloc));
}

// What the client sent: httpd parses no Host for sub-requests and internal redirects.
request_rec* first_request(request_rec* r) {
  for (;;) {
    request_rec* const before = r->main != nullptr ? r->main : r->prev;
    if (before == nullptr) return r;
    r = before;
  }
}

// SCHEME://HOST[:PORT] as the client named this server.
std::string server_url(request_rec* asked) {
  request_rec* const r = first_request(asked);
  const bool https = is_https(r);
  const bool behind_proxy = https && std::strcmp(ap_http_scheme(r), "https") !=
                                         0;  // then the port here is not the client's
  const apr_port_t usual = https ? 443 : 80;
  apr_port_t port = ap_get_server_port(r);
  if (behind_proxy) port = r->parsed_uri.port_str != nullptr ? r->parsed_uri.port : usual;
  std::string url = std::string(https ? "https://" : "http://") + ap_get_server_name_for_url(r);
  if (port != usual) url += ':' + std::to_string(port);
  return url;
}

// How many characters at the end both have in common, in whole segments.
std::size_t common_tail(std::string_view uri, std::string_view path) {
  if (uri.size() > path.size() && uri.ends_with(path) && uri[uri.size() - path.size() - 1] == '/')
    return path.size();
  const std::size_t most = std::min(uri.size(), path.size());
  std::size_t same = 0, whole = 0;
  while (same < most && uri[uri.size() - 1 - same] == path[path.size() - 1 - same]) {
    ++same;
    const bool begins_in_path = same == path.size() || path[path.size() - 1 - same] == '/';
    if (begins_in_path && same < uri.size() && uri[uri.size() - 1 - same] == '/') whole = same;
  }
  return whole;
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

TreeUrl tree_url(request_rec* r, std::string_view path) {
  const std::string_view uri = r->uri;
  const std::size_t tail = common_tail(uri, path);
  std::string url = server_url(r);
  append_url_path(url, uri.substr(0, uri.size() - tail));
  return {std::move(url), path.substr(0, path.size() - tail)};
}

std::string own_url(request_rec* r) {
  std::string url = server_url(r);
  append_url_path(url, r->uri);
  if (r->args != nullptr) append_url_query(url, r->args);
  return url;
}

Request make_request(const request_rec* r, std::string_view path) {
  Request request;
  request.method = method_of(r);
  request.path = path;
  request.query = Query(r->args != nullptr ? r->args : "");
  request.https = is_https(r);
  request.user_agent = header(r, "User-Agent");
  request.mime_type = r->content_type != nullptr ? r->content_type : "";
  request.mime_type = request.mime_type.substr(0, request.mime_type.find(';'));
  request.validators = {header(r, "If-None-Match"), header(r, "If-Modified-Since")};
  request.accept = header(r, "Accept");
  request.want_digest = header(r, "Want-Digest");
  request.want_repr_digest = header(r, "Want-Repr-Digest");
  request.now_s = apr_time_sec(r->request_time);
  return request;
}

bool serves_error_page(const request_rec* r) {
  return r->prev != nullptr && ap_is_HTTP_ERROR(r->prev->status);
}

Address client_address(const request_rec* r) { return address_of(r->useragent_addr); }

Address peer_address(const request_rec* r) { return address_of(r->connection->client_addr); }

void note(request_rec* r, const char* variable, std::string_view value) {
  apr_table_setn(r->subprocess_env, variable, pool_string(r->pool, value));
}

void note_client(request_rec* r, const Client& client) {
  if (client.country.known()) note(r, "MB_COUNTRY_CODE", client.country.text());
  if (client.region != Region::unknown) note(r, "MB_CONTINENT_CODE", region_code(client.region));
}

int write_answer(request_rec* r, Outcome::Answer made, RestReader rest) {
  const Outcome::Answer& answer =
      *pool_new<Outcome::Answer>(r->pool, std::move(made));  // httpd refers to it, even in its log
  apr_bucket* following = nullptr;
  if (answer.rest_bytes > 0) {
    following = first_of_rest(r, std::move(rest), answer.rest_bytes);
    if (following == nullptr) return write_answer(r, unavailable());
  }
  if (const std::string_view name = answer.headers.unprintable(); !name.empty()) {
    const std::string what = " has an unprintable " + std::string(name) + " and is not sent";
    log_line(r->server, APLOG_ERR, LogId(104), "the answer to " + printable(r->uri) + what);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  // Filters look at headers_out; err_headers_out are also in the error pages and redirects that
  // httpd makes.
  apr_table_t* headers = answer.status == HTTP_OK ? r->headers_out : r->err_headers_out;
  const char* type = "text/plain; charset=utf-8";
  for (const auto& [name, value] : answer.headers) {
    if (name == "Content-Type") {
      type = value.data();
    } else if (name == "Location") {
      apr_table_unset(r->err_headers_out, "Location");
      apr_table_setn(r->headers_out, "Location", value.data());
    } else {
      apr_table_addn(headers, name.data(), value.data());
    }
  }
  if (answer.body.empty())
    return answer.status == HTTP_MOVED_TEMPORARILY ? send_redirect(r, answer.status)
                                                   : answer.status;
  r->status = answer.status;
  r->content_encoding = nullptr;  // what is known of the file
  r->content_languages = nullptr;
  ap_set_content_type(r, type);
  return send_body(r, answer.body, following);
}

Outcome::Answer origin_answer(const request_rec* r, const char* origin, std::string_view path) {
  std::string url = file_url(origin, path);
  if (r->args != nullptr) append_url_query(url, r->args);
  const bool keeps_method = r->method_number != M_GET;
  return {keeps_method ? HTTP_TEMPORARY_REDIRECT : HTTP_MOVED_TEMPORARILY,
          {{"Location", url}, {"Cache-Control", "private, no-cache"}},
          {}};
}

Outcome::Answer unavailable() {
  return {HTTP_SERVICE_UNAVAILABLE, {{"Retry-After", kRetryAfterSeconds}}, {}};
}

}  // namespace mirror::httpd
