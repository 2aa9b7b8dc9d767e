#include "scanner/probe/stamps.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/path.h"
#include "os/open_beneath.h"
#include "scanner/probe/jitter.h"

namespace mirror::probe {
namespace {

constexpr double kRounds = 5;    // of checks, from one reading to the next
constexpr double kJudge_s = 60;  // time passes
constexpr std::size_t kMostAtATime = 50;

// The stamp below a local source. No link is followed out of it, and no FIFO waited for.
StampAnswer read_local(const std::string& root, const std::string& path) {
  const Descriptor folder(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return {std::nullopt, std::strerror(errno)};
  const Descriptor file = open_beneath(folder.get(), path, O_RDONLY | O_NONBLOCK);
  struct stat found {};
  if (!file && errno == ENOENT) return {std::nullopt, std::strerror(errno), true};
  if (!file || ::fstat(file.get(), &found) != 0) return {std::nullopt, std::strerror(errno)};
  if (!S_ISREG(found.st_mode)) return {std::nullopt, "not a regular file"};
  std::array<char, kMaxStampBytes> text{};
  const ssize_t bytes = ::read(file.get(), text.data(), text.size());
  if (bytes < 0) return {std::nullopt, std::strerror(errno)};
  return judge_stamp(std::string_view(text.data(), static_cast<std::size_t>(bytes)),
                     found.st_mtim.tv_sec, std::time(nullptr));
}

}  // namespace

Stamps::Stamps(net::RequestPool& pool, net::Rests& rests, Reporter& reporter,
               const Instance& instance, const CheckOptions& options, bool always)
    : pool_(pool),
      rests_(rests),
      reporter_(reporter),
      instance_(instance),
      options_(options),
      always_(always),
      source_has_stamp_(!instance.stamp_path.empty() &&
                        (!instance.stamp_url.empty() || instance.source.starts_with('/'))) {}

void Stamps::set_mirrors(const std::vector<db::MirrorRecord>& mirrors) {
  std::map<MirrorId, Asked> kept;
  for (const db::MirrorRecord& record : mirrors) {
    Asked& asked = kept[record.mirror.id];
    if (const auto known = mirrors_.find(record.mirror.id); known != mirrors_.end())
      asked = std::move(known->second);
    const bool ages = db::max_age_of(record.max_age, instance_.max_age_hours) > 0;
    const std::string& path = record.stamp_path.empty() ? instance_.stamp_path : record.stamp_path;
    const std::string wanted = ages ? path : "";
    if (asked.path != wanted) asked.due_s = 0;
    asked.path = wanted;
    asked.name = record.mirror.identifier;
    asked.is_stale = record.mirror.standing == Standing::stale;
  }
  mirrors_ = std::move(kept);
}

// Several provers that run one after the other read no oftener than one.
void Stamps::begin(db::Connection& connection, double now_s) {
  now_s_ = now_s;
  came_.clear();
  const std::int64_t unix_s = std::time(nullptr);
  for (const db::MirrorStamp& stamp : db::read_stamps(connection)) {
    const auto found = mirrors_.find(stamp.mirror_id);
    if (found == mirrors_.end() || found->second.path != stamp.path) continue;
    found->second.told = stamp.fault;
    if (!always_)
      found->second.due_s =
          now_s_ + wait_s(found->second) - static_cast<double>(unix_s - stamp.asked_s);
  }
}

// One that is stale is looked at more often, so that it comes back soon.
double Stamps::wait_s(const Asked& mirror) const {
  return (mirror.is_stale ? 1 : kRounds) * instance_.probe_interval_s;
}

const Item* Stamps::way_of(MirrorId id, const std::vector<Item*>& items) const {
  const auto up = std::find_if(items.begin(), items.end(), [id](const Item* item) {
    return item->mirror->mirror.id == id && !item->removed &&
           item->hysteresis.state() == State::up && !item->failing();
  });
  return up == items.end() ? nullptr : *up;
}

void Stamps::ask(const std::vector<Item*>& items, double now_s) {
  now_s_ = now_s;
  const bool wanted = std::any_of(mirrors_.begin(), mirrors_.end(),
                                  [](const auto& entry) { return !entry.second.path.empty(); });
  if (!wanted) return;
  if (!source_running_ && now_s >= source_due_s_) ask_source(now_s);
  std::size_t running = 0;
  for (const auto& [id, mirror] : mirrors_) running += mirror.running;
  for (const auto& [id, mirror] : mirrors_) {
    if (running == kMostAtATime) return;
    if (mirror.running || mirror.path.empty() || now_s < mirror.due_s) continue;
    if (rests_.has(id, now_s)) continue;
    const Item* const way = way_of(id, items);
    if (way == nullptr) continue;
    start(id, *way, now_s);
    ++running;
  }
}

void Stamps::start(MirrorId id, const Item& item, double now_s) {
  Asked& mirror = mirrors_.at(id);
  const Mirror& record = item.mirror->mirror;
  mirror.running = true;
  mirror.due_s = now_s + jittered(wait_s(mirror));
  const std::string& base = item.way.https ? record.https_url : record.http_url;
  ask_on(id, mirror.path,
         StampRequest(file_url(base, mirror.path), item.way.family, options_.server_urls,
                      item.mirror->time_offset_s));
}

void Stamps::ask_on(MirrorId id, const std::string& path, StampRequest request) {
  net::PoolRequest asked = request.request();
  asked.user_agent = options_.user_agent;
  asked.ca_file = options_.ca_file;
  asked.connect_timeout = options_.connect_timeout;
  asked.timeout = options_.timeout;
  pool_.add(std::move(asked), [this, id, path, request](net::PoolAnswer&& answer) mutable {
    const std::optional<StampAnswer> said = request.take(answer, std::time(nullptr));
    said ? answered(id, path, *said) : ask_on(id, path, std::move(request));
  });
}

void Stamps::answered(MirrorId id, const std::string& path, const StampAnswer& answer) {
  const auto found = mirrors_.find(id);
  if (found == mirrors_.end()) return;
  Asked& mirror = found->second;
  mirror.running = false;
  if (answer.wait_s) rests_.asked_for_time(id, *answer.wait_s, now_s_);
  if (path != mirror.path || (!answer.at_s && answer.fault.empty())) return;
  // One odd answer makes no stale mirror good.
  if (mirror.is_stale && !answer.at_s && !std::exchange(mirror.had_fault, true)) {
    mirror.due_s = now_s_;
    return;
  }
  if (answer.at_s) mirror.had_fault = false;
  if (!answer.fault.empty() && answer.fault != mirror.told)
    reporter_.warning(fmt::format("mirror '{}': its stamp {} cannot be used: {}", mirror.name,
                                  printable(path), answer.fault));
  mirror.told = answer.fault;
  came_.push_back({id, path, 0, answer.at_s, answer.fault});
}

bool Stamps::finished(const std::vector<Item*>& items) const {
  return !source_running_ && std::none_of(mirrors_.begin(), mirrors_.end(), [&](const auto& entry) {
    const Asked& mirror = entry.second;
    const bool due =
        !mirror.path.empty() && mirror.due_s <= now_s_ && !rests_.has(entry.first, now_s_);
    return mirror.running || (due && way_of(entry.first, items) != nullptr);
  });
}

void Stamps::ask_source(double now_s) {
  if (instance_.stamp_path.empty()) return;
  source_due_s_ = now_s + jittered(kRounds * instance_.probe_interval_s);
  if (instance_.stamp_url.empty()) {
    if (!instance_.source.starts_with('/')) return;
    const StampAnswer answer = read_local(instance_.source, instance_.stamp_path);
    source_has_stamp_ = !answer.missing;
    source_answered(answer);
    return;
  }
  source_running_ = true;
  ask_source_on(StampRequest(instance_.stamp_url, std::nullopt, {}));
}

void Stamps::ask_source_on(StampRequest request) {
  net::PoolRequest asked = request.request();
  asked.user_agent = options_.user_agent;
  asked.connect_timeout = options_.connect_timeout;
  asked.timeout = options_.timeout;
  pool_.add(std::move(asked), [this, request](net::PoolAnswer&& answer) mutable {
    const std::optional<StampAnswer> said = request.take(answer, std::time(nullptr));
    if (!said) return ask_source_on(std::move(request));
    source_running_ = false;
    if (said->wait_s)
      source_due_s_ = std::max(source_due_s_, now_s_ + static_cast<double>(*said->wait_s));
    source_answered(*said);
  });
}

void Stamps::source_answered(const StampAnswer& answer) {
  if (answer.at_s) source_came_ = answer.at_s;
  if (!answer.fault.empty() && answer.fault != source_told_)
    reporter_.warning(fmt::format("the source's stamp {} cannot be used: {}",
                                  printable(instance_.stamp_path), answer.fault));
  source_told_ = answer.fault;
}

void Stamps::write(db::Connection& connection, double now_s) {
  const bool news = !came_.empty() || source_came_;
  if (!news && judged_s_ >= 0 && now_s - judged_s_ < kJudge_s) return;
  if (source_came_) db::note_source_stamp(connection, instance_.stamp_path, *source_came_);
  source_came_.reset();
  for (; !came_.empty(); came_.pop_front()) db::write_stamps(connection, {came_.front()});
  const db::StaleLimits limits{0, 3600 * instance_.max_age_hours, instance_.stamp_path,
                               source_has_stamp_};
  for (const db::StaleChange& change : db::judge_behind(connection, limits))
    reporter_.warning(fmt::format("mirror '{}': {}", printable(change.mirror), change.words()));
  judged_s_ = now_s;
}

}  // namespace mirror::probe
