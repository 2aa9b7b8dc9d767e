#include "scanner/probe/fleet.h"

#include <algorithm>
#include <deque>
#include <random>
#include <set>

namespace mirror::probe {
namespace {

constexpr double kStoreAgain_s = 300;

double random_share() {
  static std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

bool is_news(const db::HealthRow& now, const db::HealthRow& stored) {
  return now.state != stored.state || now.certificate_end_s != stored.certificate_end_s;
}

}  // namespace

db::HealthRow row_of(const Item& item) {
  const Hysteresis& hysteresis = item.hysteresis;
  db::HealthRow row{item.mirror->mirror.id,
                    item.way,
                    std::string(state_name(hysteresis.state())),
                    "",
                    item.latency_ms,
                    item.certificate_end_s,
                    item.final_host,
                    0};
  if (hysteresis.state() == State::down)
    row.reason = hysteresis.reason().empty() ? item.stored.reason : hysteresis.reason();
  return row;
}

void Fleet::set_mirrors(const std::vector<db::MirrorRecord>& mirrors, double now_s,
                        double spread_s) {
  std::set<Key> wanted;
  for (const db::MirrorRecord& record : mirrors) {
    const Mirror& mirror = record.mirror;
    const auto shared = std::make_shared<const db::MirrorRecord>(record);
    for (const Way way :
         claimed_ways(mirror.http_url, mirror.https_url, mirror.ipv4, mirror.ipv6)) {
      const Key key{mirror.id, way.text()};
      wanted.insert(key);
      std::unique_ptr<Item>& item = items_[key];
      if (!item) {
        item = std::make_unique<Item>();
        item->way = way;
        item->due_s = now_s + spread_s * random_share();
      }
      item->mirror = shared;
      item->removed = false;
    }
  }
  std::erase_if(items_, [&](auto& entry) {
    entry.second->removed = !wanted.contains(entry.first);
    return entry.second->removed && !entry.second->running;
  });
}

std::vector<std::pair<MirrorId, Way>> Fleet::set_stored(const std::vector<db::HealthRow>& rows,
                                                        const Changes& changes, double now_s) {
  std::vector<std::pair<MirrorId, Way>> unclaimed;
  std::set<MirrorId> probed;
  for (const auto& entry : items_) probed.insert(entry.first.first);
  for (auto& [key, item] : items_)
    item->stored = {key.first, item->way, "unknown", "", {}, {}, "", 0};
  for (const db::HealthRow& row : rows) {
    const auto found = items_.find({row.mirror_id, row.way.text()});
    if (found != items_.end())
      found->second->stored = row;
    else if (probed.contains(row.mirror_id))
      unclaimed.emplace_back(row.mirror_id, row.way);
  }
  for (auto& [key, item] : items_) {
    const State state = parse_state(item->stored.state).value_or(State::unknown);
    if (state == item->hysteresis.state()) continue;
    std::deque<double> changes_s;
    if (const auto found = changes.find(key); found != changes.end())
      for (const double ago_s : found->second) changes_s.push_back(now_s - ago_s);
    item->hysteresis = Hysteresis(state, std::move(changes_s));
    item->down_since_s = now_s - item->stored.age_s;
    item->certificate_end_s = item->stored.certificate_end_s;
    item->latency_ms = item->stored.latency_ms;
    item->final_host = item->stored.final_host;
  }
  return unclaimed;
}

std::vector<db::HealthRow> Fleet::unwritten(double now_s) const {
  std::vector<db::HealthRow> rows;
  for (const auto& [key, item] : items_) {
    if (item->removed || item->hysteresis.state() == State::unknown) continue;
    db::HealthRow row = row_of(*item);
    const bool old = item->stored_s < 0 || now_s - item->stored_s >= kStoreAgain_s;
    if (is_news(row, item->stored) || (old && item->settled)) rows.push_back(std::move(row));
  }
  return rows;
}

void Fleet::written(const std::vector<db::HealthRow>& rows, double now_s) {
  for (const db::HealthRow& row : rows) {
    const auto found = items_.find({row.mirror_id, row.way.text()});
    if (found == items_.end()) continue;
    found->second->stored = row;
    found->second->stored_s = now_s;
  }
}

std::map<MirrorId, std::vector<const Item*>> Fleet::ways_up() const {
  std::map<MirrorId, std::vector<const Item*>> ways;
  for (const auto& [key, item] : items_) {
    const bool good = !item->removed && !item->failing() && !item->doubted &&
                      item->hysteresis.state() == State::up && item->settled;
    if (good) ways[key.first].push_back(item.get());
  }
  return ways;
}

const Item* Fleet::find(MirrorId id, Way way) const {
  const auto found = items_.find(Key{id, way.text()});
  return found == items_.end() ? nullptr : found->second.get();
}

std::vector<Item*> Fleet::items() const {
  std::vector<Item*> all;
  for (const auto& entry : items_) all.push_back(entry.second.get());
  return all;
}

}  // namespace mirror::probe
