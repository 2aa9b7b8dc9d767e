// Transfers of libcurl that run side by side in one thread: what RequestPool and FtpPool share.
// Internal to lib/net.
#pragma once

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "net/easy.h"

namespace mirror::net {

// `Transfer` has an `easy` whose CURLOPT_PRIVATE is the Transfer, an `answer`, finish(CURLcode),
// which completes the answer, and `done`, which is called with it and may add more transfers.
template <class Transfer>
class Multi {
 public:
  Multi() {  // throws FetchError when libcurl cannot be used
    if (start_libcurl() == CURLE_OK) multi_ = curl_multi_init();
    if (multi_ == nullptr) throw FetchError(FetchError::Kind::other, "libcurl cannot be started");
  }
  virtual ~Multi() {
    for (const auto& entry : transfers_) curl_multi_remove_handle(multi_, entry.first->easy.curl());
    transfers_.clear();
    curl_multi_cleanup(multi_);
  }
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  std::size_t size() const { return transfers_.size(); }

  // More connections to one host than that, or more requests of HTTP/2 on one of them at a time,
  // are not made: transfers wait for each other. No more than `open` are kept open for later ones.
  // 0: no limit. Throws FetchError.
  void limit(long connections, long streams, long open = 0) {
    check(curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, connections));
    if (streams > 0) check(curl_multi_setopt(multi_, CURLMOPT_MAX_CONCURRENT_STREAMS, streams));
    if (open > 0) check(curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, open));
  }

  // How long run() waits for more once some have ended: answers that come together are taken
  // together.
  void gather(std::chrono::milliseconds time) { gather_ = time; }

  // Starts it. Throws FetchError.
  void add(std::unique_ptr<Transfer> transfer) {
    Transfer* const key = transfer.get();
    transfers_.emplace(key, std::move(transfer));
    const CURLMcode code = curl_multi_add_handle(multi_, key->easy.curl());
    if (code != CURLM_OK) transfers_.erase(key);
    check(code);
  }

  // Until some have ended, `wake_fd` is readable (-1: none) or `patience` is over. Passes on what a
  // `done` throws; the transfers stay in order.
  void run(std::chrono::milliseconds patience, int wake_fd) {
    using Clock = std::chrono::steady_clock;
    curl_waitfd wake{};
    wake.fd = wake_fd;
    wake.events = CURL_WAIT_POLLIN;
    Clock::time_point deadline = Clock::now() + patience;
    for (;;) {
      int running = 0;
      check(curl_multi_perform(multi_, &running));
      bool some = false;
      for (; std::unique_ptr<Transfer> ended = take_ended(); some = true) {
        ended->done(std::move(ended->answer));
        let_go(ended);
      }
      if (some) deadline = std::min(deadline, Clock::now() + gather_);
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0 || (wake.revents & CURL_WAIT_POLLIN) != 0) return;
      wake.revents = 0;
      check(curl_multi_poll(multi_, &wake, wake_fd >= 0 ? 1 : 0, static_cast<int>(left.count()),
                            nullptr));
    }
  }

 protected:
  // Has ended, and its `done` was called: may be taken to be added again.
  virtual void let_go(std::unique_ptr<Transfer>& /*ended*/) {}

 private:
  static void check(CURLMcode code) {
    if (code != CURLM_OK) {
      throw FetchError(FetchError::Kind::other,
                       fmt::format("libcurl: {}", curl_multi_strerror(code)));
    }
  }

  // The next one that has ended, no longer among the others; nullptr: none.
  std::unique_ptr<Transfer> take_ended() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      char* pointer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
      const auto found = transfers_.find(reinterpret_cast<Transfer*>(pointer));
      std::unique_ptr<Transfer> ended = std::move(found->second);
      transfers_.erase(found);
      ended->finish(code);
      curl_multi_remove_handle(multi_, ended->easy.curl());
      return ended;
    }
    return nullptr;
  }

  CURLM* multi_ = nullptr;
  std::chrono::milliseconds gather_{0};
  std::map<Transfer*, std::unique_ptr<Transfer>> transfers_;
};

}  // namespace mirror::net
