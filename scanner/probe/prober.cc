#include "scanner/probe/prober.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "core/path.h"
#include "db/feed.h"
#include "db/mirror/health.h"
#include "db/path_rules.h"
#include "scanner/check/check_options.h"
#include "scanner/check/check_target.h"
#include "scanner/probe/jitter.h"
#include "scanner/probe/run.h"

namespace mirror::probe {
namespace {

using Milliseconds = std::chrono::milliseconds;
using net::PoolAnswer;

constexpr const char* kProgram = "mb-probe";
constexpr double kAgain_s = 10;    // to the check that confirms a change
constexpr int kOthers = 3;         // are checked to see whether the network works
constexpr double kRow_s = 5;       // a file that comes later is of another check
constexpr double kStalled_s = 2;   // between two looks: then answers may have waited for us
constexpr double kLook_s = 2;      // for changed mirrors
constexpr double kReadAll_s = 60;  // also when none seems to have changed
constexpr double kWrite_s = 0.2;
constexpr double kRemember_s = 10;  // to the next time that what was found of files is kept
constexpr double kPrune_s = 3600;
constexpr double kWarnAgain_s = 86400;
constexpr double kMergeAgain_s = 20;      // to the next try to confirm files during a merge
constexpr Milliseconds kGather(10);       // answers that come together cost one step
constexpr double kMaxWait_s = 0.5;        // for a step
constexpr std::size_t kMaxRunning = 800;  // of some 40 KB each with TLS
constexpr std::size_t kOtherFiles = 64;   // descriptors that are no request's

double steady_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Each request has a descriptor or two, while its name is looked up.
std::size_t most_running() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kOtherFiles;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4 * kMaxRunning);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const std::size_t room =
      limit.rlim_cur > 2 * kOtherFiles ? limit.rlim_cur - kOtherFiles : kOtherFiles;
  return std::min(kMaxRunning, room / 2);
}

net::PoolLimits pool_limits() {
  return {.open = static_cast<int>(most_running()), .gather = kGather};
}

HysteresisOptions hysteresis_options(const ProbeOptions& options) {
  const double interval_s = options.instance.probe_interval_s;
  return {.interval_s = interval_s,
          .again_s = std::min(kAgain_s, interval_s),
          .holds_flapping = options.loop};
}

// A service's only.
fresh::FreshOptions fresh_options(const ProbeOptions& options) {
  const CheckOptions check = check_options(options.instance, kProgram);
  return {options.loop ? options.instance.fresh_requests : 0, options.instance.probe_timeout_s,
          check.user_agent, check.ca_file};
}

ContentOptions content_options(const ProbeOptions& options) {
  ContentOptions content;
  content.loop = options.loop;
  content.again_s = options.instance.probe_content_s;
  return content;
}

JobOptions job_options(const ProbeOptions& options) {
  const double content_s = options.instance.probe_content_s;
  return {.loop = options.loop,
          .content_s = content_s,
          .impossible_s = content_s,
          .large_s = 24 * content_s};
}

bool is_chosen(const ProbeOptions& options, const Mirror& mirror) {
  if (options.loop || options.all) return mirror.enabled;
  return std::binary_search(options.names.begin(), options.names.end(), mirror.identifier);
}

std::vector<db::HealthRow> stored_rows(db::Connection& connection) {
  std::vector<db::HealthRow> rows;
  for (const auto& [id, ways] : db::read_health(connection)) {
    for (const db::WayHealth& way : ways)
      rows.push_back({id, way.way, way.state, way.reason, way.latency_ms, way.certificate_end_s,
                      way.final_host, static_cast<double>(std::time(nullptr) - way.since_s)});
  }
  return rows;
}

}  // namespace

Prober::Prober(const ProbeOptions& options, Reporter& reporter, int wake_fd)
    : options_(options),
      reporter_(reporter),
      wake_fd_(wake_fd),
      check_options_(check_options(options.instance, kProgram)),
      hysteresis_options_(hysteresis_options(options)),
      pool_(pool_limits()),
      network_(pool_, options.instance.probe_control, check_options_),
      fresh_(pool_, rests_, fresh_options(options)),
      stamps_(pool_, rests_, reporter, options.instance, check_options_,
              !options.loop && !options.all),
      content_(pool_, rests_, fleet_, reporter, check_options_, content_options(options)),
      folders_(pool_, rests_, fleet_, reporter, check_options_, options.instance.source,
               options.loop),
      findings_(reporter, hysteresis_options_.interval_s),
      source_web_(pool_, options.instance, check_options_),
      jobs_(job_options(options), findings_, fresh_) {}

void Prober::begin(db::Connection& connection, bool writes) {
  writes_ = writes;
  revision_ = -1;
  fresh_.begin();
  jobs_.forget_sample();
  content_.begin(connection);
  findings_.recall(connection);
  look_at_clock();
  read_mirrors(connection);
  stamps_.begin(connection, now_s_);
}

void Prober::step(db::Connection& connection) {
  look_at_clock();
  if (options_.loop && now_s_ - looked_s_ >= kLook_s) read_mirrors(connection);
  start_due(connection);
  stamps_.ask(fleet_.items(), now_s_);
  if (now_s_ >= merge_again_s_) step_files(connection);
  pool_.run(until_next(), wake_fd_);
  look_at_clock();
  decide();
  if (!writes_) {
    stamps_.discard();
    return findings_.discard();
  }
  // Waiting for a merge must not keep back whether mirrors are up.
  findings_.settle_returns(connection, now_s_, options_.loop);
  write(connection);
  stamps_.write(connection, now_s_);
  findings_.settle(connection, now_s_, options_.loop);
  for (const auto& [id, path] : findings_.take_withdrawn())
    folders_.withdrawn(id, path, fresh_.young_files(id, FolderChecks::kNewestFiles));
  for (const db::FileOnMirror& file : findings_.take_other_content())
    fresh_.has_other_content(file.mirror, file.file_id, file.version_rev);
}

// While a long merge holds its lock, nothing can be confirmed, but mirrors are probed.
void Prober::step_files(db::Connection& connection) {
  try {
    if (writes_) fresh_.step(connection, now_s_);
    if (writes_) step_folders(connection);
    content_.step(connection, rules_, now_s_, writes_);
  } catch (const db::Error& error) {
    if (!options_.loop || !db::locked(error)) throw;
    merge_again_s_ = now_s_ + kMergeAgain_s;
  }
}

void Prober::step_folders(db::Connection& connection) {
  folders_.step(connection, rules_, now_s_);
  for (const FolderLoss& loss : folders_.take_losses()) {
    for (const Item* item : fleet_.items()) {
      if (item->mirror->mirror.id != loss.mirror) continue;
      findings_.lost(connection, *item->mirror, loss, now_s_);
      break;
    }
  }
}

void Prober::end(db::Connection& connection) {
  if (!writes_) return;
  look_at_clock();
  write_health(connection);
  content_.remember(connection);
  findings_.remember(connection);
  stamps_.write(connection, now_s_);
  findings_.settle(connection, now_s_, true);
  findings_.remember(connection);
  content_.end(connection);
  fresh_.end(connection);
}

void Prober::look_at_clock() {
  const double now_s = steady_s();
  if (now_s_ > 0 && now_s - now_s_ > kStalled_s) stalled_s_ = now_s;
  now_s_ = now_s;
  network_.tick(now_s);
}

void Prober::read_mirrors(db::Connection& connection) {
  looked_s_ = now_s_;
  const bool first = revision_ < 0;
  const std::int64_t revision = db::mirrors_revision(connection);
  // What scans find out of a mirror does not raise the revision.
  if (revision == revision_ && now_s_ - read_s_ < kReadAll_s) return;
  std::vector<db::MirrorRecord> mirrors = db::list_mirrors(connection);
  std::erase_if(mirrors, [&](const auto& record) { return !is_chosen(options_, record.mirror); });
  mirrors_ = mirrors.size();
  fresh_.set_mirrors(mirrors);
  stamps_.set_mirrors(mirrors);
  rules_ = db::load_path_rules(connection);
  fleet_.set_mirrors(mirrors, now_s_, options_.loop && first ? hysteresis_options_.interval_s : 0);
  if (first) {
    const auto unclaimed =
        fleet_.set_stored(stored_rows(connection), db::recent_changes(connection), now_s_);
    if (writes_) db::drop_health(connection, unclaimed);
  }
  findings_.read_doubts(connection);
  if (writes_) findings_.review(connection);
  revision_ = revision;
  read_s_ = now_s_;
}

void Prober::start_due(db::Connection& connection) {
  static const std::size_t most = most_running();
  for (Item* item : fleet_.items()) {
    if (item->running || item->removed || item->pending || item->due_s > now_s_) continue;
    if (!options_.loop && item->settled) continue;
    if (pool_.running() >= most) return;
    if (rests(*item)) continue;
    if (const auto job = jobs_.choose(connection, *item, now_s_)) {
      start(*item, *job);
      continue;
    }
    reporter_.no_file(*item);
    item->settled = had_no_file_ = true;
    item->due_s = now_s_ + jittered(hysteresis_options_.interval_s);
  }
}

CheckTarget Prober::target_of(const db::MirrorRecord& record, Way way, const Job& job) const {
  return check_target(record, way, job, rules_);
}

void Prober::start(Item& item, const Job& job) {
  if (now_s_ - item.last_good_s > kRow_s) item.in_row = 0;
  CheckTarget target = target_of(*item.mirror, item.way, job);
  const bool again = item.doubted.has_value();
  target.by_get = again;  // some servers say no to HEAD alone
  item.running = true;
  ask(std::make_shared<Run>(Run{item,
                                Check(std::move(target), check_options_),
                                job,
                                now_s_,
                                again,
                                again && item.doubts_refusal,
                                {},
                                {}}));
}

// How many a check asks for.
int Prober::files_of(const Item& item) const {
  return options_.loop && now_s_ >= item.alone_until_s ? options_.instance.probe_files : 1;
}

// The files of a check share one connection, which the first one makes and the last one closes.
net::PoolRequest::Connection Prober::connection_of(const Item& item) const {
  using Connection = net::PoolRequest::Connection;
  const bool more = item.in_row + 1 < files_of(item);
  if (item.in_row > 0) return more ? Connection::go_on : Connection::end;
  return more ? Connection::begin : Connection::own;
}

void Prober::ask(const std::shared_ptr<Run>& run) {
  const double spent_s = steady_s() - run->started_s;
  net::PoolRequest request =
      run->check.request(Milliseconds(static_cast<std::int64_t>(spent_s * 1000)));
  request.connection = connection_of(run->item);
  pool_.add(std::move(request), [this, run](PoolAnswer&& answer) {
    look_at_clock();
    const std::optional<Verdict> verdict = run->check.take(answer, std::time(nullptr));
    verdict ? ended(*run, *verdict) : ask(run);
  });
}

void Prober::apply(Item& item, const Verdict& verdict, const std::string& path, Job::Kind kind) {
  const State before = item.hysteresis.state();
  double delay_s = item.hysteresis.take(verdict, now_s_, hysteresis_options_);
  const State after = item.hysteresis.state();
  if (after == State::down && before != State::down) item.down_since_s = now_s_;
  if (after == State::up && before == State::down) look_at_return(item);
  if (item.doubted) delay_s = std::min(delay_s, kSecondLook_s);
  const MirrorId id = item.mirror->mirror.id;
  if (after == State::up && (findings_.doubts(id) || findings_.suspects(id)))
    delay_s = std::min(delay_s, hysteresis_options_.again_s);
  const bool between = item.failing() || item.hysteresis.recovering() || item.doubted;
  item.settled = !between || verdict.outcome == CheckOutcome::unknown;
  if (goes_on(item, verdict)) delay_s = 0;
  item.due_s = now_s_ + (item.settled ? jittered(delay_s) : delay_s);
  reporter_.checked({item, verdict, path, before, kind});
  warn_of_certificate(item);
}

// A check asks for some files more if the mirror is well.
bool Prober::goes_on(Item& item, const Verdict& verdict) const {
  const bool well = options_.loop && item.settled && verdict.outcome == CheckOutcome::good &&
                    item.hysteresis.state() == State::up;
  if (well && ++item.in_row < files_of(item)) return true;
  item.in_row = 0;
  return false;
}

// A mirror that answered over no way for long may have missed much.
void Prober::look_at_return(const Item& item) {
  double since_s = item.down_since_s;
  for (const Item* other : fleet_.items()) {
    if (other == &item || other->mirror->mirror.id != item.mirror->mirror.id) continue;
    if (other->hysteresis.state() == State::up) return;
    if (other->hysteresis.state() == State::unknown) continue;  // nobody here can tell
    since_s = std::max(since_s, other->down_since_s);
  }
  if (now_s_ - since_s > options_.instance.rescan_after_s)
    findings_.came_back(*item.mirror, now_s_ - since_s);
}

void Prober::warn_of_certificate(Item& item) {
  if (item.warned_s >= 0 && now_s_ - item.warned_s < kWarnAgain_s) return;
  const std::string warning = certificate_warning(item, std::time(nullptr));
  if (warning.empty()) return;
  reporter_.warning(warning);
  item.warned_s = now_s_;
}

// What to do with those that would go down.
void Prober::decide() {
  const std::vector<Item*> items = fleet_.items();
  bool failing[2] = {false, false};
  for (Item* item : items) {
    const Family family = item->way.family;
    failing[family == Family::ipv6] |= item->failing();
    if (!item->pending) continue;
    switch (network_.judge(*item, items)) {
      case Fault::asking:
        ask_others(*item, items);
        break;
      case Fault::mirrors:
        apply_pending(*item);
        break;
      case Fault::once:
        item->pending.reset();
        item->due_s = now_s_;
        break;
      case Fault::networks:
        tell_trouble(family);
        leave_aside(*item);
    }
  }
  for (const int family : {0, 1})
    if (!failing[family]) told_trouble_[family] = false;
}

// Whether the network works is soon known if some others are checked now.
void Prober::ask_others(Item& item, const std::vector<Item*>& items) const {
  if (std::exchange(item.pending->asked_others, true)) return;
  int count = 0;
  for (Item* other : items) {
    const bool is_another = other->mirror->mirror.id != item.mirror->mirror.id;
    if (!is_another || other->way.family != item.way.family || other->failing() ||
        other->hysteresis.state() != State::up)
      continue;
    other->due_s = std::min(other->due_s, now_s_);
    other->in_row = 0;
    if (++count == kOthers) return;
  }
}

// Once, until nothing fails any more.
void Prober::tell_trouble(Family family) {
  had_trouble_ = true;
  if (!std::exchange(told_trouble_[family == Family::ipv6], true))
    reporter_.warning(network_.words(family));
}

void Prober::apply_pending(Item& item) {
  const Failure failure = *std::exchange(item.pending, std::nullopt);
  if (!item.removed) apply(item, failure.verdict, failure.path, Job::Kind::presence);
}

// It stays as it is, and is checked again soon.
void Prober::leave_aside(Item& item) {
  item.pending.reset();
  item.settled = true;
  item.due_s = now_s_ + jittered(hysteresis_options_.again_s);
}

void Prober::write(db::Connection& connection) {
  if (options_.loop && now_s_ - wrote_s_ < kWrite_s) return;
  wrote_s_ = now_s_;
  write_health(connection);
  if (options_.loop && now_s_ - remembered_s_ >= kRemember_s) {
    findings_.remember(connection);
    remembered_s_ = now_s_;
  }
  if (!options_.loop || (pruned_s_ >= 0 && now_s_ - pruned_s_ < kPrune_s)) return;
  db::prune_events(connection);
  pruned_s_ = now_s_;
}

void Prober::write_health(db::Connection& connection) {
  const std::vector<db::HealthRow> rows = fleet_.unwritten(now_s_);
  db::write_health(connection, rows);
  fleet_.written(rows, now_s_);
}

Milliseconds Prober::until_next() const {
  double next_s = std::min(content_.next_s(), folders_.next_s());
  if (writes_ && options_.loop) next_s = std::min(next_s, fresh_.next_s());
  double wait_s = std::min(kMaxWait_s, std::max(next_s, merge_again_s_) - now_s_);
  for (const Item* item : fleet_.items()) {
    if (!item->running && !item->pending && !item->removed && !(item->settled && !options_.loop))
      wait_s = std::min(wait_s, item->due_s - now_s_);
  }
  return Milliseconds(static_cast<std::int64_t>(std::max(wait_s, 0.01) * 1000));
}

bool Prober::finished() const {
  const std::vector<Item*> items = fleet_.items();
  return std::all_of(items.begin(), items.end(), [](const Item* item) { return item->settled; }) &&
         source_web_.finished() && folders_.finished() && stamps_.finished(items) &&
         content_.finished();
}

bool Prober::all_good() const {
  if (findings_.found_wrong()) return false;
  const std::vector<Item*> items = fleet_.items();
  return std::none_of(items.begin(), items.end(), [](const Item* item) {
    return item->hysteresis.state() == State::down || item->failing();
  });
}

}  // namespace mirror::probe
