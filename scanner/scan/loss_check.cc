#include "scanner/scan/loss_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/path.h"
#include "net/request_pool.h"
#include "os/descriptor.h"

namespace mirror::scanner {
namespace {

constexpr std::chrono::milliseconds kPatience(200);
constexpr int kMostSeconds = 10;  // for an answer, however long a listing may be silent

void count(const net::PoolAnswer& answer, LossAnswers& answers) {
  if (!answer.failure && (answer.status == 404 || answer.status == 410))
    ++answers.gone;
  else if (!answer.failure && answer.status == 200)
    ++answers.there;
  else
    ++answers.unclear;
}

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
  LossAnswers answers;
  const std::string& base = mirror.http_url.empty() ? mirror.https_url : mirror.http_url;
  const std::chrono::seconds timeout(std::min(timeout_s, kMostSeconds));
  net::RequestPool pool;
  for (const std::string& path : paths) {
    net::PoolRequest request;
    request.url = file_url(base, path);
    request.user_agent = "mb-scan";
    request.connect_timeout = request.timeout = timeout;
    pool.add(std::move(request), [&](net::PoolAnswer&& answer) { count(answer, answers); });
  }
  while (pool.running() > 0 && !is_readable(stop_fd)) pool.run(kPatience, stop_fd);
  return answers;
}

}  // namespace mirror::scanner
