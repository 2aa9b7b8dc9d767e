#include "net/fetcher.h"

#include <curl/curl.h>
#include <fmt/core.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <new>

namespace mirror::net {
namespace {

using Kind = FetchError::Kind;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& text) {
  curl_slist* longer = curl_slist_append(list.get(), text.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(longer);
}

// Once in a process, before any thread needs it.
CURLcode start_libcurl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  return started;
}

// What the callbacks fill. They never throw: libcurl is C.
struct Incoming {
  const FetchRequest& request;
  FetchResponse& response;
  std::size_t header_bytes = 0;
  bool too_large = false, out_of_memory = false;

  // The number of bytes that libcurl counts as taken: fewer than came end the transfer.
  template <class Take>
  std::size_t take(std::size_t bytes, bool fits, Take take_them) noexcept {
    if (!fits) {
      too_large = true;
      return 0;
    }
    try {
      take_them();
      return bytes;
    } catch (...) {
      out_of_memory = true;
      return 0;
    }
  }
};

std::size_t on_body(char* data, std::size_t, std::size_t bytes, void* incoming) noexcept {
  auto& into = *static_cast<Incoming*>(incoming);
  std::string& body = into.response.body;
  return into.take(bytes, bytes <= into.request.max_body_bytes - body.size(),
                   [&] { body.append(data, bytes); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

void add_header(FetchResponse& response, std::string_view line) {
  if (line.starts_with("HTTP/")) response.headers.clear();  // what came before was interim (1xx)
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return;
  response.headers.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
}

std::size_t on_header(char* data, std::size_t, std::size_t bytes, void* incoming) noexcept {
  auto& into = *static_cast<Incoming*>(incoming);
  into.header_bytes += bytes;
  return into.take(bytes, into.header_bytes <= into.request.max_header_bytes, [&] {
    add_header(into.response, {data, bytes});
  });
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

// libcurl sends such bytes as they are: more headers, or another request.
void require_printable(const std::string& text, const char* what) {
  const bool is_printable = std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f';
  });
  if (!is_printable) throw FetchError(Kind::url, fmt::format("{} has a control character", what));
}

std::string peer_of(CURL* curl) {
  const char* address = nullptr;
  long port = 0;
  if (curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address) != CURLE_OK || address == nullptr)
    return "";
  curl_easy_getinfo(curl, CURLINFO_PRIMARY_PORT, &port);
  const bool is_ipv6 = std::string_view(address).find(':') != std::string_view::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

}  // namespace

struct Fetcher::Handle {
  CURL* curl = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};

  ~Handle() { curl_easy_cleanup(curl); }

  template <class Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(curl, option, value);
    if (code != CURLE_OK)
      throw FetchError(Kind::other, fmt::format("libcurl: {}", curl_easy_strerror(code)));
  }
  void set_always();
  void set_request(const FetchRequest& request, curl_slist* headers, curl_slist* connect_to);
  [[noreturn]] void fail(CURLcode code, const Incoming& incoming) const;
};

// What no request changes.
void Fetcher::Handle::set_always() {
  error = {};
  set(CURLOPT_ERRORBUFFER, error.data());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_HEADERFUNCTION, &on_header);
}

void Fetcher::Handle::set_request(const FetchRequest& request, curl_slist* headers,
                                  curl_slist* connect_to) {
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_CONNECT_TO, connect_to);
  if (request.method != "GET") {
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());  // the request outlives the transfer
  }
  if (!request.user_agent.empty()) set(CURLOPT_USERAGENT, request.user_agent.c_str());
  if (!request.ca_file.empty()) set(CURLOPT_CAINFO, request.ca_file.c_str());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
}

void Fetcher::Handle::fail(CURLcode code, const Incoming& incoming) const {
  if (incoming.out_of_memory) throw std::bad_alloc();
  if (incoming.too_large) {
    throw FetchError(
        Kind::too_large,
        fmt::format("the answer is larger than {} bytes, or its headers than {}",
                    incoming.request.max_body_bytes, incoming.request.max_header_bytes));
  }
  long connections = 0;
  curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connections);
  throw FetchError(kind_of(code, connections > 0),
                   error[0] != '\0' ? error.data() : curl_easy_strerror(code));
}

Fetcher::Fetcher() : handle_(std::make_unique<Handle>()) {
  if (start_libcurl() == CURLE_OK) handle_->curl = curl_easy_init();
  if (handle_->curl == nullptr) throw FetchError(Kind::other, "libcurl cannot be started");
}

Fetcher::~Fetcher() = default;

FetchResponse Fetcher::get(const FetchRequest& request) {
  require_printable(request.user_agent, "the user agent");
  for (const std::string& header : request.headers) require_printable(header, "a header");
  List headers, connect_to;
  for (const std::string& header : request.headers) append(headers, header);
  if (!request.connect_to.empty()) append(connect_to, "::" + request.connect_to);
  FetchResponse response;
  Incoming incoming{request, response};
  CURL* curl = handle_->curl;
  curl_easy_reset(curl);
  handle_->set_always();
  handle_->set_request(request, headers.get(), connect_to.get());
  handle_->set(CURLOPT_WRITEDATA, static_cast<void*>(&incoming));
  handle_->set(CURLOPT_HEADERDATA, static_cast<void*>(&incoming));
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) handle_->fail(code, incoming);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  response.peer = peer_of(curl);
  return response;
}

std::string_view FetchResponse::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& header) {
    return header.first.size() == name.size() &&
           strncasecmp(header.first.data(), name.data(), name.size()) == 0;
  });
  return found != headers.end() ? std::string_view(found->second) : std::string_view();
}

}  // namespace mirror::net
