#include "net/request_pool.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "core/ascii.h"
#include "net/easy.h"
#include "net/multi.h"

namespace mirror::net {
namespace {

using Milliseconds = std::chrono::milliseconds;

bool in_prefix(const Address& address, std::string_view prefix) {
  return Prefix::parse(prefix)->contains(address);
}

std::optional<Address> address_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
    return Address::from_bytes({reinterpret_cast<const char*>(&ipv4.sin_addr), 4});
  }
  if (address.sa_family == AF_INET6) {
    const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(address);
    return Address::from_bytes({reinterpret_cast<const char*>(&ipv6.sin6_addr), 16});
  }
  return std::nullopt;
}

constexpr std::size_t kSmallBody = 4096;
constexpr long kSmallBuffer = 2048;
constexpr std::size_t kLargeBody = 1 << 20;
constexpr long kLargeBuffer = 64 << 10;  // fewer calls for pages of a listing
constexpr std::size_t kMostIdle = 512;   // transfers that are kept for the next requests

std::string seconds_text(Milliseconds time) {
  return fmt::format("{:.3g} s", std::chrono::duration<double>(time).count());
}

std::string without_prefix(std::string_view text, std::string_view prefix) {
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return std::string(text);
}

}  // namespace

bool is_private(const Address& address) {
  static constexpr std::string_view kIpv4[] = {"0.0.0.0/8",    "10.0.0.0/8",     "100.64.0.0/10",
                                               "127.0.0.0/8",  "169.254.0.0/16", "172.16.0.0/12",
                                               "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15",
                                               "224.0.0.0/4",  "240.0.0.0/4"};
  static constexpr std::string_view kIpv6[] = {"::/96",     "64:ff9b:1::/48", "fc00::/7",
                                               "fe80::/10", "fec0::/10",      "ff00::/8"};
  const Address reached = address.located();
  const auto holds = [&](std::string_view prefix) { return in_prefix(reached, prefix); };
  return reached.family == Family::ipv4 ? std::any_of(std::begin(kIpv4), std::end(kIpv4), holds)
                                        : std::any_of(std::begin(kIpv6), std::end(kIpv6), holds);
}

std::optional<std::int64_t> parse_certificate_time(const std::string& text) {
  for (const char* form : {"%b %d %H:%M:%S %Y", "%Y-%m-%d %H:%M:%S"}) {
    std::tm time{};
    const char* end = ::strptime(text.c_str(), form, &time);
    if (end != nullptr && std::strcmp(end, " GMT") == 0) return ::timegm(&time);
  }
  return std::nullopt;
}

// One request under way. The callbacks never throw: libcurl is C.
struct RequestPool::Transfer {
  Easy easy;
  PoolRequest request;
  Done done;
  List headers;
  PoolAnswer answer;
  std::size_t header_bytes = 0;
  bool too_large = false, out_of_memory = false;
  bool private_address = false;  // is what it would have connected to
  bool tried_to_connect = false;

  Transfer(PoolRequest asked, Done then)
      : request(std::move(asked)), done(std::move(then)), headers(make_list(request.headers)) {
    easy.reset();
    set_request();
    set_callbacks();
  }

  // Whether it differs from the present request in its URL alone.
  bool is_for(PoolRequest& asked);
  // After the present request, of whose answer nothing remains. Other changes would need a new
  // handle: libcurl lets no handle change its buffer's size once it has been used.
  void begin_again(std::string url, Done then);
  void finish(CURLcode code);

 private:
  void set_request();
  void set_callbacks();
  static std::size_t on_header(char* data, std::size_t, std::size_t bytes, void* self) noexcept;
  static std::size_t on_body(char* data, std::size_t, std::size_t bytes, void* self) noexcept;
  static curl_socket_t on_socket(void* self, curlsocktype, curl_sockaddr* address) noexcept;
  void read_certificate();
  void fail(CURLcode code);
  bool was_silent() const;
  FailureKind failure_kind(CURLcode code) const;
  std::string failure_words(FailureKind kind, CURLcode code) const;
};

bool RequestPool::Transfer::is_for(PoolRequest& asked) {
  std::string url = std::exchange(asked.url, std::string());
  std::string former = std::exchange(request.url, std::string());
  const bool is_alike = asked == request;
  asked.url = std::move(url);
  request.url = std::move(former);
  return is_alike;
}

void RequestPool::Transfer::begin_again(std::string url, Done then) {
  answer = {};
  header_bytes = 0;
  too_large = out_of_memory = private_address = tried_to_connect = false;
  easy.forget_error();
  request.url = std::move(url);
  done = std::move(then);
  easy.set(CURLOPT_URL, request.url.c_str());
}

void RequestPool::Transfer::set_request() {
  using Method = PoolRequest::Method;
  const bool handshake = request.method == Method::handshake;
  easy.set(CURLOPT_URL, request.url.c_str());
  easy.set(CURLOPT_NOBODY, request.method == Method::head ? 1L : 0L);
  easy.set(CURLOPT_HTTPHEADER, headers.get());
  using Connection = PoolRequest::Connection;
  const Connection connection = request.connection;
  const bool is_new = connection == Connection::own || connection == Connection::begin;
  const bool closes = connection == Connection::own || connection == Connection::end;
  easy.set(CURLOPT_FRESH_CONNECT, is_new ? 1L : 0L);
  easy.set(CURLOPT_FORBID_REUSE, closes ? 1L : 0L);
  // Who looks whether a server answers must hear of a name that was moved or is gone.
  if (is_new) easy.set(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  easy.set(CURLOPT_CERTINFO, 1L);
  // At the end nobody waits for the thread that looks up a name.
  easy.set(CURLOPT_QUICK_EXIT, 1L);
  if (handshake) {
    easy.set(CURLOPT_CONNECT_ONLY, 1L);
    easy.set(CURLOPT_SSL_VERIFYPEER, 0L);
    easy.set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (request.family) {
    easy.set(
        CURLOPT_IPRESOLVE,
        static_cast<long>(*request.family == Family::ipv4 ? CURL_IPRESOLVE_V4 : CURL_IPRESOLVE_V6));
  }
  if (request.http2) easy.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  if (request.compressed) easy.set(CURLOPT_ACCEPT_ENCODING, "");  // all that libcurl can undo
  if (!request.user_agent.empty()) easy.set(CURLOPT_USERAGENT, request.user_agent.c_str());
  if (!request.ca_file.empty()) easy.set(CURLOPT_CAINFO, request.ca_file.c_str());
  // One file for all, without a folder, is read once and not for each connection.
  easy.set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  // For a thousand at a time, of which most read nothing but headers.
  if (request.max_body_bytes < kSmallBody) easy.set(CURLOPT_BUFFERSIZE, kSmallBuffer);
  if (request.max_body_bytes > kLargeBody) easy.set(CURLOPT_BUFFERSIZE, kLargeBuffer);
  // Zero would be no limit at all.
  easy.set(CURLOPT_CONNECTTIMEOUT_MS,
           std::max(1L, static_cast<long>(request.connect_timeout.count())));
  if (request.idle_timeout.count() > 0) {
    easy.set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    easy.set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.idle_timeout.count()));
  }
  easy.set(CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(request.timeout.count())));
}

void RequestPool::Transfer::set_callbacks() {
  void* const self = this;
  easy.set(CURLOPT_WRITEFUNCTION, &on_body);
  easy.set(CURLOPT_WRITEDATA, self);
  easy.set(CURLOPT_HEADERFUNCTION, &on_header);
  easy.set(CURLOPT_HEADERDATA, self);
  easy.set(CURLOPT_OPENSOCKETFUNCTION, &on_socket);
  easy.set(CURLOPT_OPENSOCKETDATA, self);
  easy.set(CURLOPT_PRIVATE, self);
}

std::size_t RequestPool::Transfer::on_header(char* data, std::size_t, std::size_t bytes,
                                             void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.header_bytes += bytes;
  transfer.too_large = transfer.header_bytes > transfer.request.max_header_bytes;
  if (transfer.too_large) return 0;
  try {
    add_header(transfer.answer.headers, {data, bytes});
    return bytes;
  } catch (...) {
    transfer.out_of_memory = true;
    return 0;
  }
}

std::size_t RequestPool::Transfer::on_body(char* data, std::size_t, std::size_t bytes,
                                           void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::size_t room = transfer.request.max_body_bytes - transfer.answer.body.size();
  try {
    transfer.answer.body.append(data, std::min(bytes, room));
  } catch (...) {
    transfer.out_of_memory = true;
    return 0;
  }
  transfer.answer.cut = bytes > room;
  return transfer.answer.cut ? 0 : bytes;
}

curl_socket_t RequestPool::Transfer::on_socket(void* self, curlsocktype,
                                               curl_sockaddr* address) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::optional<Address> to = address_of(address->addr);
  const PoolRequest& request = transfer.request;
  transfer.private_address = request.public_only && (!to || is_private(*to));
  const bool other_family = request.family && (!to || to->family != *request.family);
  if (transfer.private_address || other_family) return CURL_SOCKET_BAD;
  transfer.tried_to_connect = true;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void RequestPool::Transfer::read_certificate() {
  curl_certinfo* info = nullptr;
  curl_easy_getinfo(easy.curl(), CURLINFO_CERTINFO, &info);
  if (info == nullptr || info->num_of_certs < 1) return;
  constexpr std::string_view kEnd = "Expire date:";
  for (const curl_slist* line = info->certinfo[0]; line != nullptr; line = line->next) {
    const std::string_view text = line->data;
    if (text.starts_with(kEnd))
      answer.certificate_end = parse_certificate_time(std::string(text.substr(kEnd.size())));
  }
}

FailureKind RequestPool::Transfer::failure_kind(CURLcode code) const {
  if (out_of_memory) return FailureKind::own;
  if (too_large) return FailureKind::too_large;
  if (private_address) return FailureKind::private_address;
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
      return easy.number(CURLINFO_NUM_CONNECTS) > 0 ? FailureKind::broken : FailureKind::url;
    case CURLE_LOGIN_DENIED:  // the URL has a user's name
      return FailureKind::url;
    case CURLE_COULDNT_CONNECT:  // also to an address of the other family
      return tried_to_connect ? FailureKind::connect : FailureKind::name;
    default:
      return failure_kind_of(code);
  }
}

std::string RequestPool::Transfer::failure_words(FailureKind kind, CURLcode code) const {
  switch (kind) {
    case FailureKind::name:
      return fmt::format("its name has no {}address, or cannot be looked up",
                         !request.family                   ? ""
                         : *request.family == Family::ipv4 ? "IPv4 "
                                                           : "IPv6 ");
    case FailureKind::private_address:
      return "leads to an address of a private network";
    case FailureKind::connect:
      return connect_words(easy);
    case FailureKind::timeout:
      if (was_silent()) {
        return fmt::format("nothing came for {}", seconds_text(request.idle_timeout));
      }
      return fmt::format("no {} within {}",
                         easy.number(CURLINFO_NUM_CONNECTS) > 0 ? "answer" : "connection",
                         seconds_text(easy.number(CURLINFO_NUM_CONNECTS) > 0
                                          ? request.timeout
                                          : std::min(request.timeout, request.connect_timeout)));
    case FailureKind::certificate:
      return "its certificate cannot be trusted: " +
             lower_first(without_prefix(
                 without_prefix(easy.error(code), "SSL certificate problem: "), "SSL: "));
    case FailureKind::too_large:
      return fmt::format("its headers are longer than {} bytes", request.max_header_bytes);
    case FailureKind::broken:
      if (code == CURLE_GOT_NOTHING) return "the connection was closed without an answer";
      if (code == CURLE_RECV_ERROR) return "the connection broke off";
      if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
        return "what it sends is not HTTP";
      break;
    case FailureKind::url:
    case FailureKind::own:
      break;
  }
  return lower_first(std::string(easy.error(code)));
}

// It broke before the time for the whole answer was over, with a connection that was ready.
bool RequestPool::Transfer::was_silent() const {
  curl_off_t ready_us = 0, total_us = 0;
  curl_easy_getinfo(easy.curl(), CURLINFO_PRETRANSFER_TIME_T, &ready_us);
  curl_easy_getinfo(easy.curl(), CURLINFO_TOTAL_TIME_T, &total_us);
  return request.idle_timeout.count() > 0 && ready_us > 0 &&
         std::chrono::microseconds(total_us) < request.timeout;
}

void RequestPool::Transfer::fail(CURLcode code) {
  answer.failure = failure_kind(code);
  answer.os_error = static_cast<int>(easy.number(CURLINFO_OS_ERRNO));
  answer.words = failure_words(*answer.failure, code);
}

void RequestPool::Transfer::finish(CURLcode code) {
  answer.peer = easy.text(CURLINFO_PRIMARY_IP);
  read_certificate();
  answer.status = static_cast<int>(easy.number(CURLINFO_RESPONSE_CODE));
  answer.http2 = easy.number(CURLINFO_HTTP_VERSION) == CURL_HTTP_VERSION_2_0;
  if (code != CURLE_OK && !answer.cut) return fail(code);
  curl_off_t length = -1;
  curl_easy_getinfo(easy.curl(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  answer.end_is_told =
      answer.http2 || length >= 0 || lower(answer.header("Transfer-Encoding")).ends_with("chunked");
  answer.redirect_url = easy.text(CURLINFO_REDIRECT_URL);
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy.curl(), CURLINFO_STARTTRANSFER_TIME_T, &microseconds);
  answer.first_byte = Milliseconds(microseconds / 1000);
}

struct RequestPool::Requests : Multi<Transfer> {
  explicit Requests(PoolLimits limits) {
    limit(limits.connections, limits.streams, limits.open);
    gather(limits.gather);
  }

  // A handle of libcurl is dear: those who keep their connection are likely to need it again.
  std::unique_ptr<Transfer> transfer_for(PoolRequest request, Done done) {
    std::unique_ptr<Transfer> transfer;
    if (!idle.empty()) {
      transfer = std::move(idle.back());
      idle.pop_back();
    }
    if (!transfer || !transfer->is_for(request))
      return std::make_unique<Transfer>(std::move(request), std::move(done));
    transfer->begin_again(std::move(request.url), std::move(done));
    return transfer;
  }
  void let_go(std::unique_ptr<Transfer>& ended) override {
    ended->done = nullptr;
    if (ended->request.connection == PoolRequest::Connection::go_on && idle.size() < kMostIdle)
      idle.push_back(std::move(ended));
  }

  std::vector<std::unique_ptr<Transfer>> idle;
};

RequestPool::RequestPool(PoolLimits limits) : requests_(std::make_unique<Requests>(limits)) {}
RequestPool::~RequestPool() = default;

std::size_t RequestPool::running() const { return requests_->size(); }

void RequestPool::add(PoolRequest request, Done done) {
  requests_->add(requests_->transfer_for(std::move(request), std::move(done)));
}

void RequestPool::run(Milliseconds patience, int wake_fd) { requests_->run(patience, wake_fd); }

}  // namespace mirror::net
