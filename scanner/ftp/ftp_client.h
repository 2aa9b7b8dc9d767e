// Requests to one FTP server: over a bounded number of connections, again after failures that may
// pass, and later when the server has too many users. One thread.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "net/ftp_pool.h"
#include "scanner/ftp/ftp_options.h"
#include "scanner/list/throttle.h"

namespace mirror::scanner::ftp {

struct FtpResult {
  enum class Kind : std::uint8_t {
    done,
    refused,  // the server says no to this path: it is not there, or may not be read
    failed
  };
  Kind kind = Kind::done;
  net::FtpAnswer answer;
  std::string words;  // unless done: why, as text after the path
};

class FtpClient {
 public:
  using Command = net::FtpRequest::Command;
  // May ask for more.
  using Done = std::function<void(FtpResult&&)>;

  // All requests are as `common`, but for command and path. Throws net::FetchError when libcurl
  // cannot be used.
  FtpClient(net::FtpRequest common, const FtpOptions& options);

  void ask(Command command, std::string path, Done done);
  std::size_t open() const { return open_; }  // how many have no answer yet
  // Goes on until something was answered, `stop_fd` is readable, or a second is over. Passes on
  // what a Done throws; after that only the destructor may be called.
  void run(int stop_fd);

 private:
  using Clock = std::chrono::steady_clock;
  struct Request {
    Command command;
    std::string path;
    Done done;
    int tries = 0, waits = 0;
  };
  void start_what_may();
  void start(Request request);
  bool again(Request& request, const net::FtpAnswer& answer);
  bool wait_for_room(Request& request);
  void finish(Request& request, net::FtpAnswer&& answer);
  std::chrono::milliseconds until_next() const;

  net::FtpRequest common_;
  std::size_t connections_;
  net::FtpPool pool_;
  Throttle throttle_;
  std::deque<Request> waiting_;
  std::multimap<Clock::time_point, Request> later_;
  Clock::time_point paused_until_{};
  std::size_t open_ = 0;
};

}  // namespace mirror::scanner::ftp
