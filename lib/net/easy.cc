#include "net/easy.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace mirror::net {
namespace {

using Kind = FetchError::Kind;

}  // namespace

std::string lower_first(std::string text) {
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] += 'a' - 'A';
  return text;
}

List make_list(const std::vector<std::string>& lines) {
  List list;
  for (const std::string& line : lines) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

CURLcode start_libcurl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  return started;
}

Easy::Easy() {
  if (start_libcurl() == CURLE_OK) curl_ = curl_easy_init();
  if (curl_ == nullptr) throw FetchError(Kind::other, "libcurl cannot be started");
}

void Easy::reset() {
  curl_easy_reset(curl_);
  error_ = {};
  set(CURLOPT_ERRORBUFFER, error_.data());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
}

std::string_view Easy::error(CURLcode code) const {
  return error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
}

long Easy::number(CURLINFO info) const {
  long value = 0;
  curl_easy_getinfo(curl_, info, &value);
  return value;
}

std::string Easy::text(CURLINFO info) const {
  const char* value = nullptr;
  if (curl_easy_getinfo(curl_, info, &value) != CURLE_OK || value == nullptr) return "";
  return value;
}

std::string Easy::peer() const {
  const std::string address = text(CURLINFO_PRIMARY_IP);
  if (address.empty()) return "";
  const bool is_ipv6 = address.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(is_ipv6 ? "[{}]:{}" : "{}:{}"), address,
                     number(CURLINFO_PRIMARY_PORT));
}

Kind kind_of(CURLcode code, bool connected) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:  // the URL's, or what answers speaks none that we know
      return connected ? Kind::other : Kind::url;
    case CURLE_URL_MALFORMAT:
    case CURLE_LOGIN_DENIED:
      return Kind::url;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return Kind::connect;
    case CURLE_PEER_FAILED_VERIFICATION:
      return Kind::certificate;
    case CURLE_SSL_CACERT_BADFILE:
      return Kind::ca_file;
    case CURLE_OPERATION_TIMEDOUT:
      return Kind::timeout;
    default:
      return Kind::other;
  }
}

FailureKind failure_kind_of(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return FailureKind::url;
    case CURLE_COULDNT_RESOLVE_HOST:
      return FailureKind::name;
    case CURLE_COULDNT_CONNECT:
      return FailureKind::connect;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
      return FailureKind::certificate;
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_FTP_ACCEPT_TIMEOUT:
      return FailureKind::timeout;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
      return FailureKind::own;
    default:
      return FailureKind::broken;
  }
}

std::string connect_words(const Easy& easy) {
  const long number = easy.number(CURLINFO_OS_ERRNO);
  return number == 0 ? "no connection" : lower_first(std::strerror(static_cast<int>(number)));
}

void require_printable(const std::string& text, const char* what) {
  const bool is_printable = std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f';
  });
  if (!is_printable) throw FetchError(Kind::url, fmt::format("{} has a control character", what));
}

}  // namespace mirror::net
