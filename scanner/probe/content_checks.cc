#include "scanner/probe/content_checks.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "db/probe/content_pieces.h"
#include "scanner/check/check_target.h"

namespace mirror::probe {
namespace {

constexpr double kLook_s = 5;       // for new versions
constexpr double kConfirm_s = 2;    // from one merge to the next
constexpr double kRemember_s = 10;  // from one writing of what was asked for to the next
constexpr double kStep_s = 0.2;
constexpr int kMostAtATime = 4;                  // requests to one mirror
constexpr int kMostRunning = 200;                // to all
constexpr std::int64_t kMostInMemory = 8 << 20;  // bytes that are under way; one piece more at most
constexpr int kPages = 8;                        // of the database, in one step
constexpr std::int32_t kPage = 50;
constexpr double kLacks_s = 86400;            // until a file that a mirror lacks is asked for again
constexpr std::size_t kMostLacking = 20'000;  // files that are remembered of a mirror

std::int64_t most_bytes(const std::vector<db::ContentPiece>& pieces) {
  std::int64_t most = 0;
  for (const db::ContentPiece& piece : pieces) most = std::max(most, piece.bytes);
  return most;
}

// Where a walk goes on that has not asked for this one.
db::VersionPlace place_of(const db::ContentCheck& check) {
  return {check.version_rev, check.file_id + 1};
}

}  // namespace

// The pieces of one file on one mirror, one after the other.
struct ContentChecks::Run {
  MirrorId id;
  Way way;
  db::ContentCheck file;
  CheckTarget target;
  std::vector<db::ContentPiece> pieces;  // that are still to be asked for; the next one last
  std::int64_t in_memory = 0;            // bytes of the largest one
  std::chrono::steady_clock::time_point started;
  std::optional<Check> check;
};

ContentWalk ContentChecks::Asked::left() const {
  if (waiting.empty() && running.empty()) return walk;
  db::VersionPlace first{0, 0};
  if (!running.empty()) first = *running.rbegin();
  for (const db::ContentCheck& check : waiting) first = std::max(first, place_of(check));
  ContentWalk left = before;
  left.done(first);
  return left;
}

void ContentChecks::begin(db::Connection& connection) {
  stored_ = db::read_remembered_walks(connection);
  confirmed_.clear();
  looked_s_ = -1;
  rev_ = -1;
  for (auto& [id, mirror] : mirrors_) {
    mirror.walk = ContentWalk();
    mirror.waiting.clear();
    mirror.spent = false;
  }
  for (const auto& [id, walk] : stored_) {
    if (!walk.spans.empty()) asked(id).walk = ContentWalk(walk);
  }
  for (auto& [id, mirror] : mirrors_) mirror.before = mirror.walk;  // of what still runs
}

void ContentChecks::step(db::Connection& connection, const PathRules& rules, double now_s,
                         bool writes) {
  now_s_ = now_s;
  if (looked_s_ < 0 || (options_.loop && now_s_ - looked_s_ >= kLook_s)) look(connection);
  next_s_ = looked_s_ + kLook_s;
  if (has_work()) start_due(connection, rules);
  if (!writes) return confirmed_.clear();
  confirm_due(connection);
  if (options_.loop && now_s_ - remembered_s_ >= kRemember_s) remember(connection);
}

bool ContentChecks::has_work() const {
  return std::any_of(mirrors_.begin(), mirrors_.end(), [](const auto& entry) {
    return !entry.second.waiting.empty() || entry.second.walk.next();
  });
}

void ContentChecks::start_due(db::Connection& connection, const PathRules& rules) {
  int pages = kPages;
  for (const auto& [id, ways] : fleet_.ways_up()) {
    Asked& mirror = asked(id);
    if (rests_.has(id, now_s_)) continue;
    if (mirror.waiting.empty() && mirror.running.empty() && !mirror.spent && mirror.walk.next() &&
        pages-- > 0)
      fetch(connection, id, mirror, rules);
    start_waiting(connection, *ways.front(), mirror, rules);
    if (!mirror.waiting.empty() || (mirror.walk.next() && !mirror.spent))
      next_s_ = now_s_ + kStep_s;
  }
}

void ContentChecks::look(db::Connection& connection) {
  looked_s_ = now_s_;
  look_at_listings(connection);
  const std::int64_t newest = db::newest_look_alike(connection);
  const db::HashedVersions hashed = db::hashed_since(connection, rev_ < 0 ? newest : rev_);
  const bool first = std::exchange(rev_, hashed.upto_rev) < 0;
  for (auto& [id, mirror] : mirrors_) {
    if (!mirror.scanned_s) continue;
    if (hashed.any() && !first) mirror.walk.again(hashed.oldest_rev, hashed.newest_rev);
    mirror.walk.look(newest, mirror.listing, std::time(nullptr), options_.again_s);
  }
}

// Of those that were scanned since the last look.
void ContentChecks::look_at_listings(db::Connection& connection) {
  std::vector<MirrorId> scanned;
  for (const Item* item : fleet_.items()) {
    const db::MirrorRecord& record = *item->mirror;
    Asked& mirror = asked(record.mirror.id);
    if (std::exchange(mirror.scanned_s, record.last_scan_s) == record.last_scan_s) continue;
    scanned.push_back(record.mirror.id);
  }
  if (scanned.empty()) return;
  for (auto& [id, listing] : db::newest_listings(connection, scanned)) {
    Asked& mirror = mirrors_.at(id);
    if (mirror.listing != listing) mirror.lacks.clear();
    mirror.listing = std::move(listing);
  }
}

void ContentChecks::fetch(db::Connection& connection, MirrorId id, Asked& mirror,
                          const PathRules& rules) {
  mirror.before = mirror.walk;
  const ContentWalk::Span span = *mirror.walk.next();
  db::ContentChecks found =
      db::list_content_checks(connection, id, span.from, span.above_rev, kPage);
  mirror.walk.done(found.more ? std::optional(found.next) : std::nullopt);
  // Of immutable files listings tell enough, and for the others redirects go to the origin alone.
  std::erase_if(found.checks, [&](const db::ContentCheck& check) {
    return rules.is_immutable(check.path) || rules.is_origin_only(check.path) ||
           lacks(mirror, check);
  });
  std::reverse(found.checks.begin(), found.checks.end());
  mirror.waiting = std::move(found.checks);
}

// A partial mirror never had many of these files.
bool ContentChecks::lacks(const Asked& mirror, const db::ContentCheck& file) const {
  const auto found = mirror.lacks.find(place_of(file));
  return found != mirror.lacks.end() && now_s_ - found->second < kLacks_s;
}

void ContentChecks::note_lack(Asked& mirror, const db::ContentCheck& file) {
  if (mirror.lacks.size() >= kMostLacking) {
    std::erase_if(mirror.lacks, [&](const auto& one) { return now_s_ - one.second >= kLacks_s; });
    if (mirror.lacks.size() >= kMostLacking) return;
  }
  mirror.lacks[place_of(file)] = now_s_;
}

// Bytes may be used ahead: a piece can be larger than what is left of a minute's.
bool ContentChecks::may_ask(MirrorId id, Asked& mirror) {
  if (rests_.has(id, now_s_)) return false;
  if (std::ssize(mirror.running) >= kMostAtATime || running_ >= kMostRunning ||
      in_memory_ >= kMostInMemory)
    return false;
  const bool has_budget = mirror.requests.left(now_s_) >= 1 && mirror.bytes.left(now_s_) > 0 &&
                          all_bytes_.left(now_s_) > 0;
  if (!has_budget && !options_.loop) mirror.spent = true;
  return has_budget;
}

std::vector<db::ContentPiece> ContentChecks::pieces_of(db::Connection& connection,
                                                       const db::ProbeFile& file,
                                                       const std::string& sha256) {
  if (auto whole = db::whole_piece(file.size_bytes, sha256)) return {*whole};
  return db::choose_pieces(connection, file);
}

void ContentChecks::start_waiting(db::Connection& connection, const Item& item, Asked& mirror,
                                  const PathRules& rules) {
  const MirrorId id = item.mirror->mirror.id;
  while (!mirror.waiting.empty() && may_ask(id, mirror)) {
    const db::ContentCheck file = std::move(mirror.waiting.back());
    mirror.waiting.pop_back();
    const Job job{Job::Kind::content,
                  {file.file_id, file.path, file.size_bytes, file.mtimes_s, file.version_rev, 0},
                  std::nullopt};
    std::vector<db::ContentPiece> pieces = pieces_of(connection, job.file, file.sha256);
    if (pieces.empty()) continue;
    for (const db::ContentPiece& piece : pieces) {
      mirror.bytes.use(static_cast<double>(piece.bytes));
      all_bytes_.use(static_cast<double>(piece.bytes));
    }
    mirror.running.insert(place_of(file));
    ++running_;
    const std::int64_t in_memory = most_bytes(pieces);
    in_memory_ += in_memory;
    ask_next_piece(std::make_shared<Run>(Run{id,
                                             item.way,
                                             file,
                                             check_target(*item.mirror, item.way, job, rules),
                                             std::move(pieces),
                                             in_memory,
                                             {},
                                             {}}));
  }
}

void ContentChecks::ask_next_piece(const std::shared_ptr<Run>& run) {
  mirrors_.at(run->id).requests.use(1);
  CheckTarget target = run->target;
  target.piece = std::move(run->pieces.back());
  run->pieces.pop_back();
  run->check.emplace(std::move(target), check_options_);
  run->started = std::chrono::steady_clock::now();
  ask(run);
}

void ContentChecks::ask(const std::shared_ptr<Run>& run) {
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - run->started);
  net::PoolRequest request = run->check->request(spent);
  request.connection = net::PoolRequest::Connection::go_on;
  pool_.add(std::move(request), [this, run](net::PoolAnswer&& answer) {
    const std::optional<Verdict> verdict = run->check->take(answer, std::time(nullptr));
    if (!verdict) return ask(run);
    const bool right = verdict->outcome == CheckOutcome::good && verdict->compared;
    right && !run->pieces.empty() ? ask_next_piece(run) : ended(*run, *verdict);
  });
}

void ContentChecks::ended(Run& run, const Verdict& verdict) {
  Asked& mirror = mirrors_.at(run.id);
  mirror.running.erase(mirror.running.find(place_of(run.file)));
  --running_;
  in_memory_ -= run.in_memory;
  next_s_ = 0;
  if (verdict.outcome == CheckOutcome::good && verdict.compared)
    confirmed_.push_back({run.id, run.file.file_id, run.file.version_rev});
  if (verdict.wait_s)
    rests_.asked_for_time(run.id, *verdict.wait_s, now_s_);
  else if ((verdict.outcome == CheckOutcome::bad && !verdict.of_file) ||
           verdict.outcome == CheckOutcome::unknown)
    rests_.did_not_answer(run.id, now_s_);
  // Asked for too often, or too early: the file itself is still to be compared.
  if (verdict.outcome == CheckOutcome::unknown || verdict.wait_s)
    mirror.waiting.push_back(run.file);
  if (verdict.gone) note_lack(mirror, run.file);
  const Item* const item = fleet_.find(run.id, run.way);
  if (item)
    reporter_.checked(
        {*item, verdict, run.file.path, item->hysteresis.state(), Job::Kind::content});
}

void ContentChecks::confirm_due(db::Connection& connection) {
  if (confirmed_.empty()) return;
  if (options_.loop ? wrote_s_ >= 0 && now_s_ - wrote_s_ < kConfirm_s : running_ > 0) return;
  wrote_s_ = now_s_;
  end(connection);
}

void ContentChecks::end(db::Connection& connection) {
  db::confirm_files(connection, confirmed_);
  confirmed_.clear();
}

void ContentChecks::remember(db::Connection& connection) {
  remembered_s_ = now_s_;
  std::map<MirrorId, db::RememberedWalk> changed;
  for (const auto& [id, mirror] : mirrors_) {
    db::RememberedWalk walk = mirror.left().remembered();
    if (walk.began_s && stored_[id] != walk) changed[id] = std::move(walk);
  }
  db::remember_walks(connection, changed);
  for (auto& [id, walk] : changed) stored_[id] = std::move(walk);
}

bool ContentChecks::finished() const {
  if (running_ > 0 || !confirmed_.empty() || looked_s_ < 0) return false;
  for (const auto& [id, ways] : fleet_.ways_up()) {
    const auto known = mirrors_.find(id);
    if (known == mirrors_.end()) continue;
    const Asked& mirror = known->second;
    if (rests_.has(id, now_s_) || mirror.spent) continue;
    if (!mirror.waiting.empty() || mirror.walk.next()) return false;
  }
  return true;
}

}  // namespace mirror::probe
