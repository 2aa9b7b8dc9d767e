#include "scanner/probe/control.h"

namespace mirror::probe {
namespace {

constexpr double kValid_s = 10;  // an answer tells this long that the network works

}  // namespace

Control::State Control::ask(Family family, double now_s) {
  if (urls_.empty()) return State::none;
  Round& round = rounds_[family == Family::ipv6];
  if (round.answered && now_s - round.asked_s < kValid_s) return State::works;
  if (round.waiting > 0) return State::asking;
  if (round.asked_s >= 0 && now_s - round.asked_s < kValid_s) return State::fails;
  round = Round{.asked_s = now_s};
  begin(family, round);
  return State::asking;
}

void Control::begin(Family family, Round& round) {
  for (const std::string& url : urls_) {
    net::PoolRequest request;
    request.url = url;
    request.family = family;
    request.user_agent = options_.user_agent;
    request.ca_file = options_.ca_file;
    request.connect_timeout = options_.connect_timeout;
    request.timeout = options_.timeout;
    ++round.waiting;
    pool_.add(std::move(request), [&round](net::PoolAnswer&& answer) {
      --round.waiting;
      if (!answer.failure) round.answered = true;
    });
  }
}

}  // namespace mirror::probe
