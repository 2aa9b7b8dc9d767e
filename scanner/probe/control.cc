#include "scanner/probe/control.h"

#include <string_view>
#include <utility>

#include "core/url.h"

namespace mirror::probe {
namespace {

constexpr double kPause_s = 1;  // between two rounds

// Whether the answer came from the URL's own host, which its certificate shows.
bool is_own_answer(const std::string& url, const net::PoolAnswer& answer) {
  if (answer.failure) return false;
  if (url.starts_with("https://")) return true;
  if (answer.status >= 200 && answer.status <= 299) return true;
  return answer.status >= 300 && answer.status <= 399 &&
         url_authority(answer.redirect_url) == url_authority(url);
}

}  // namespace

Control::State Control::ask(Family family, double since_s) {
  Round& round = rounds_[family == Family::ipv6];
  const bool counts = round.began_s >= since_s;
  if (counts && round.answered) return State::works;
  if (round.waiting > 0) return State::asking;
  if (counts) return State::fails;
  if (round.began_s < 0 || now_s_ - round.began_s >= kPause_s) begin(family, round);
  return State::asking;
}

bool Control::worked_since(Family family, double since_s) const {
  return rounds_[family == Family::ipv6].worked_s >= since_s;
}

void Control::begin(Family family, Round& round) {
  round.began_s = now_s_;
  round.answered = false;
  for (const std::string& url : urls_) {
    net::PoolRequest request;
    request.url = url;
    request.family = family;
    request.user_agent = options_.user_agent;
    request.ca_file = options_.ca_file;
    request.connect_timeout = options_.connect_timeout;
    request.timeout = options_.timeout;
    ++round.waiting;
    pool_.add(std::move(request), [this, &round, &url](net::PoolAnswer&& answer) {
      --round.waiting;
      if (!is_own_answer(url, answer)) return;
      round.answered = true;
      round.worked_s = now_s_;
    });
  }
}

}  // namespace mirror::probe
