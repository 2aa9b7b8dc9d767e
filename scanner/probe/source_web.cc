#include "scanner/probe/source_web.h"

#include <utility>

#include "core/path.h"

namespace mirror::probe {
namespace {

constexpr double kRequestsPerMinute = 60;
constexpr double kKnown_s = 600;  // an answer holds so long

}  // namespace

std::string source_base(const Instance& instance) {
  if (instance.source.starts_with('/')) return "";
  if (!instance.source_url.empty()) return instance.source_url;
  const std::string stamp = '/' + url_path(instance.stamp_path);
  if (instance.stamp_path.empty() || !instance.stamp_url.ends_with(stamp)) return "";
  return instance.stamp_url.substr(0, instance.stamp_url.size() - stamp.size() + 1);
}

SourceWeb::SourceWeb(net::RequestPool& pool, const Instance& instance, const CheckOptions& options)
    : pool_(pool), options_(options), base_(source_base(instance)), requests_(kRequestsPerMinute) {}

void SourceWeb::ask(const std::string& path, double now_s, Answer answer) {
  if (base_.empty()) return answer(false);
  std::erase_if(known_, [&](const auto& one) {
    return !one.second.running && now_s - one.second.asked_s > kKnown_s;
  });
  const auto known = known_.find(path);
  if (known != known_.end() && !known->second.running) return answer(known->second.deleted);
  if (known != known_.end()) return known->second.waiting.push_back(std::move(answer));
  if (requests_.left(now_s) < 1) return answer(false);
  requests_.use(1);
  Known& asked = known_[path];
  asked.asked_s = now_s;
  asked.waiting.push_back(std::move(answer));
  start(path, asked);
}

void SourceWeb::start(const std::string& path, Known& known) {
  net::PoolRequest request;
  request.url = file_url(base_, path);
  request.user_agent = options_.user_agent;
  request.connect_timeout = options_.connect_timeout;
  request.timeout = options_.timeout;
  ++running_;
  try {
    pool_.add(std::move(request),
              [this, path](net::PoolAnswer&& answer) { answered(path, answer); });
  } catch (...) {
    --running_;
    known.running = false;
    throw;
  }
}

void SourceWeb::answered(const std::string& path, const net::PoolAnswer& answer) {
  --running_;
  Known& known = known_.at(path);
  known.running = false;
  known.deleted = !answer.failure && (answer.status == 404 || answer.status == 410);
  const bool deleted = known.deleted;
  for (const Answer& waiting : std::exchange(known.waiting, {})) waiting(deleted);
}

}  // namespace mirror::probe
