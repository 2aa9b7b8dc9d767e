// Many HTTP requests at a time by libcurl, for those who look whether servers answer: each has a
// connection of its own unless it says otherwise, no redirect is followed, every wait and every
// size has an end, and at most some bytes of a body are kept. Certificates are verified, and the
// end of their time is read. A RequestPool belongs to one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/address.h"
#include "net/failure.h"
#include "net/headers.h"

namespace mirror::net {

struct PoolRequest {
  // handshake: only the connection and its certificate, whether it can be trusted or not.
  enum class Method : std::uint8_t { head, get, handshake };
  Method method = Method::head;
  std::string url;                   // http or https, without a user's name
  std::optional<Family> family;      // of the addresses to connect to; nullopt: either
  std::vector<std::string> headers;  // "Name: value"
  std::string user_agent;
  std::string ca_file;  // of those who sign certificates; "": the system's
  // begin: a new one, which it leaves to later requests; go_on: may use one that was left, and
  // leaves it; end: the same, and closes it.
  enum class Connection : std::uint8_t { own, begin, go_on, end };
  Connection connection = Connection::own;
  bool public_only = false;  // connect to no private, loopback or link-local address
  bool http2 = false;        // by https, where the server offers it
  bool compressed = false;   // the server may compress the body, which is kept as it was before
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds timeout{10000};  // of all together
  std::chrono::seconds idle_timeout{0};  // without a byte of the answer; 0: only `timeout` counts
  std::size_t max_body_bytes = 0;        // to keep; a longer body is cut, which is no failure
  std::size_t max_header_bytes = std::size_t{32} << 10;  // of all headers together

  bool operator==(const PoolRequest&) const = default;
};

// 0: no limit.
struct PoolLimits {
  int connections = 0;  // to one host
  int streams = 0;      // requests at a time on a connection of HTTP/2
  int open = 0;         // that are kept open for later requests, those in use among them
  std::chrono::milliseconds gather{0};  // how long run() waits for further answers after the first
};

struct PoolAnswer {
  std::optional<FailureKind> failure;  // nullopt: the head of an answer came
  std::string words;                   // of the failure, in plain English: "connection refused"
  int os_error = 0;                    // errno of a failed connection; 0: not known
  int status = 0;                      // also where the answer broke off after its head
  Headers headers;
  std::string body;          // its first bytes
  bool cut = false;          // there were more
  std::string redirect_url;  // where Location leads to, as a whole URL; "": none
  std::string peer;          // the address that answered, without its port
  bool http2 = false;        // came by HTTP/2
  // The server said where the body ends: by its length, in chunks or by HTTP/2. False: it ended
  // with the connection, maybe too early.
  bool end_is_told = false;
  std::chrono::milliseconds first_byte{0};      // from the start to the first byte of the answer
  std::optional<std::int64_t> certificate_end;  // Unix time

  // The first one of that name, in whatever case; "" when there is none.
  std::string_view header(std::string_view name) const { return find_header(headers, name); }
};

class RequestPool {
 public:
  using Done = std::function<void(PoolAnswer&&)>;

  // Requests beyond the limits wait until others have ended. Throws FetchError when libcurl cannot
  // be used.
  explicit RequestPool(PoolLimits limits = {});
  ~RequestPool();
  RequestPool(const RequestPool&) = delete;
  RequestPool& operator=(const RequestPool&) = delete;

  // Starts it. run() calls `done` once, which may add more. Throws FetchError.
  void add(PoolRequest request, Done done);
  std::size_t running() const;
  // Goes on with all of them until some have ended, `wake_fd` is readable (-1: none) or `patience`
  // is over. Passes on what a Done throws; the requests stay in order.
  void run(std::chrono::milliseconds patience, int wake_fd);

 private:
  struct Transfer;
  struct Requests;
  std::unique_ptr<Requests> requests_;
};

// Where a stranger's name must not lead to: not a public server's address. Private (RFC 1918, RFC
// 4193), shared (RFC 6598), loopback, link-local, site-local, unspecified, multicast, reserved and
// benchmarking (RFC 6890); also inside an address of NAT64 or 6to4.
bool is_private(const Address& address);

// Unix time of an end of time as libcurl has it: "Nov 29 15:05:34 2026 GMT"; nullopt: another form.
std::optional<std::int64_t> parse_certificate_time(const std::string& text);

}  // namespace mirror::net
