#include "scanner/scan/loss_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/path.h"
#include "net/request_pool.h"
#include "os/descriptor.h"
#include "scanner/check/answers.h"

namespace mirror::scanner {
namespace {

constexpr std::chrono::milliseconds kPatience(200);
constexpr int kMostSeconds = 10;  // for an answer, however long a listing may be silent

// One file.
struct Asked {
  std::vector<std::string> urls;  // still to be asked for; the next one last
  bool by_get = false;
  bool gone = false;  // by an earlier one
};

class Asker {
 public:
  explicit Asker(std::chrono::seconds timeout) : timeout_(timeout) {}

  void ask(Asked asked) {
    net::PoolRequest request;
    request.url = asked.urls.back();
    request.user_agent = "mb-scan";
    request.connect_timeout = request.timeout = timeout_;
    if (asked.by_get) {
      request.method = net::PoolRequest::Method::get;
      request.headers = {"Range: bytes=0-0"};
    }
    pool_.add(std::move(request),
              [this, asked = std::move(asked)](net::PoolAnswer&& answer) { take(asked, answer); });
  }
  const LossAnswers& wait(int stop_fd) {
    while (pool_.running() > 0 && !is_readable(stop_fd)) pool_.run(kPatience, stop_fd);
    return answers_;
  }

 private:
  void take(Asked asked, const net::PoolAnswer& answer) {
    if (!answer.failure && !asked.by_get && probe::head_may_be_refused(answer.status)) {
      asked.by_get = true;
      return ask(std::move(asked));
    }
    if (!answer.failure && (answer.status == 200 || answer.status == 206)) {
      ++answers_.there;
      return;
    }
    asked.gone |= !answer.failure && (answer.status == 404 || answer.status == 410);
    asked.by_get = false;
    asked.urls.pop_back();
    if (!asked.urls.empty()) return ask(std::move(asked));
    ++(asked.gone ? answers_.gone : answers_.unclear);
  }

  const std::chrono::seconds timeout_;
  LossAnswers answers_;
  net::RequestPool pool_;
};

}  // namespace

std::string LossAnswers::words() const {
  if (gone + there == 0) return "";
  std::string text =
      fmt::format("of {} such files its web server has {} and lacks {}", asked(), there, gone);
  if (unclear > 0) text += ", the other answers tell nothing";
  return text;
}

LossAnswers ask_web_server(const Mirror& mirror, const std::vector<std::string>& paths,
                           int timeout_s, int stop_fd) {
  Asker asker(std::chrono::seconds(std::min(timeout_s, kMostSeconds)));
  for (const std::string& path : paths) {
    Asked asked;
    for (const std::string* base : {&mirror.https_url, &mirror.http_url})
      if (!base->empty()) asked.urls.push_back(file_url(*base, path));
    if (!asked.urls.empty()) asker.ask(std::move(asked));
  }
  return asker.wait(stop_fd);
}

}  // namespace mirror::scanner
