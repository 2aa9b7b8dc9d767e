// Requests to one web server: a bounded number at a time over connections that are kept, again
// after failures that may pass, and not while the server asks to wait (429 and 503 with
// Retry-After). One thread.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/request_pool.h"
#include "scanner/list/target.h"
#include "scanner/list/throttle.h"
#include "scanner/web/web_options.h"

namespace mirror::scanner::web {

struct WebAnswer {
  int status = 0;
  net::PoolAnswer parts;
  std::string fault;  // why there is no answer after all tries, as text after the URL; "": there is
};

// Requests at a time on a connection of HTTP/2.
inline constexpr int kStreams = 8;

struct WebSettings {
  int connections = 8;
  double requests_per_s = 0;  // 0: no limit
  double bytes_per_s = 0;     // of pages; 0: no limit
  std::string user_agent, ca_file;
  std::chrono::milliseconds connect_timeout{30000};
  std::chrono::milliseconds timeout{4 * 3600 * 1000};  // for one answer
  std::chrono::seconds idle_timeout{300};              // without a byte of it
  std::size_t max_page_bytes = std::size_t{16} << 20;
  std::chrono::milliseconds longest_wait{120000};  // that a server may ask for
  // More headers of a request, made when it is sent; none where it is empty.
  std::function<std::vector<std::string>(std::string_view method, const std::string& url)> headers;
};

bool is_redirect(int status);
// The server says that nobody gets it, or not in this way.
bool is_refusal(int status);
// It says that there is no such thing.
bool is_gone(int status);
// Of an answer that is none, or not the one that was asked for.
std::string answer_words(const WebAnswer& answer);

// What is the same for all who ask one server for a listing.
WebSettings settings_of(const Target& target, const WebOptions& options);

class WebClient {
 public:
  // May ask for more.
  using Done = std::function<void(WebAnswer&&)>;

  // Throws net::FetchError when libcurl cannot be used.
  explicit WebClient(WebSettings settings);

  void get(std::string url, Done done);
  // Where the URL comes from a public server: connects to no private, loopback or link-local
  // address.
  void get_public(std::string url, Done done);
  void head(std::string url, Done done);
  // By GET, and no more of the body than that.
  void get_first_byte(std::string url, Done done);
  // The server speaks HTTP/2: it is asked for kStreams as much at a time, over as many connections.
  void multiplex() { requests_at_a_time_ = settings_.connections * kStreams; }
  // How many have no answer yet.
  std::size_t open() const { return open_; }
  // Goes on until something was answered, `stop_fd` is readable, or a second is over. Passes on
  // what a Done throws; after that only the destructor may be called.
  void run(int stop_fd);
  // The same without waiting: sends what was asked for, and takes what has come.
  void poll();

 private:
  using Clock = std::chrono::steady_clock;
  struct Request {
    net::PoolRequest::Method method;
    std::string url;
    Done done;
    bool first_byte = false, public_only = false;
    int tries = 0, waits = 0;
  };
  static bool is_page(const Request& request) {
    return request.method == net::PoolRequest::Method::get && !request.first_byte;
  }
  void ask(Request request);
  void start_what_may();
  void start(Request request);
  void answered(Request request, net::PoolAnswer&& answer);
  bool again(Request& request, const net::PoolAnswer& answer);
  void finish(Request& request, net::PoolAnswer&& answer);
  std::chrono::milliseconds until_next() const;

  WebSettings settings_;
  int requests_at_a_time_;
  net::RequestPool pool_;
  Throttle throttle_;
  std::deque<Request> waiting_;
  std::multimap<Clock::time_point, Request> later_;
  Clock::time_point paused_until_{};
  std::size_t open_ = 0;
};

}  // namespace mirror::scanner::web
