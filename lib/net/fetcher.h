// One HTTP request after the other by libcurl, which nothing but lib/net uses. Every wait and every
// size has an end; no redirect is followed, no proxy, cookie or .netrc used, whatever the
// environment says. A Fetcher belongs to one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mirror::net {

struct FetchRequest {
  std::string url;                   // http or https, without a user's name
  std::vector<std::string> headers;  // "Name: value"
  // HOST:PORT that the connection goes to instead, [HOST]:PORT for IPv6; the URL's host is what is
  // asked for, and what a certificate must name. "": the URL's own.
  std::string connect_to;
  std::string user_agent;
  std::string ca_file;  // of those who sign certificates; "": the system's
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds timeout{5000};  // of all together
  std::size_t max_body_bytes = std::size_t{4} << 20;
  std::size_t max_header_bytes = std::size_t{64} << 10;  // of all headers together
  std::string method = "GET";                            // or POST, PUT: with `body`
  std::string body;
  // Of a Fetcher: within a second after it became readable there is a FetchError. -1: none.
  int stop_fd = -1;
};

struct FetchResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // as they came
  std::string body;
  std::string peer;  // the address that answered: "127.0.0.1:80", "[::1]:80"

  // The first one of that name, in whatever case; "" when there is none.
  std::string_view header(std::string_view name) const;
};

// There is no whole answer.
class FetchError : public std::runtime_error {
 public:
  // url: the request cannot be sent, mostly because of its URL; ca_file: that file cannot be used.
  enum class Kind : std::uint8_t { url, ca_file, connect, certificate, timeout, too_large, other };
  FetchError(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

class Fetcher {
 public:
  Fetcher();  // throws FetchError when libcurl cannot be used
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // Sends the request, GET by default. Throws FetchError unless the answer is whole, whatever its
  // status. What would end a line of the request's head is refused: no control character in headers
  // or user_agent.
  FetchResponse get(const FetchRequest& request);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

}  // namespace mirror::net
