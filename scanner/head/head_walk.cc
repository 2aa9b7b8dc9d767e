#include "scanner/head/head_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <utility>

#include "core/path.h"
#include "net/fetcher.h"
#include "scanner/head/head_options.h"
#include "scanner/head/sample_walk.h"
#include "scanner/head/site.h"

namespace mirror::scanner::head {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = FileAnswer::Kind;

constexpr std::int32_t kPage = 4000;        // files of one look at the database
constexpr std::size_t kWindow = 4000;       // asked for and not yet listed
constexpr std::size_t kMostAgain = 10'000;  // wait for their second look

class Walk {
 public:
  Walk(const Target& target, KnownFiles& known, Listing& listing, const Control& control)
      : known_(known),
        listing_(listing),
        options_(read_head_options(target.options)),
        budget_(options_.budget.value_or(target.head_budget)),
        end_(Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                std::chrono::duration<double, std::ratio<60>>(target.max_minutes))),
        site_(target, options_, control) {}

  db::Fidelity run();

 private:
  struct Asked {
    db::TurnFile file;
    std::optional<FileAnswer> answer;
  };
  bool read_page();
  void start();
  void ask(const std::shared_ptr<Asked>& asked);
  void pass_on();
  void rest(const std::string& words);
  void take(const Asked& asked);
  void count_failure(const Asked& asked);
  void look_again();

  KnownFiles& known_;
  Listing& listing_;
  const HeadOptions options_;
  const std::int64_t budget_;
  const Clock::time_point end_;                // nothing more is asked for from then on
  std::deque<db::TurnFile> page_;              // not yet asked for
  std::deque<std::shared_ptr<Asked>> window_;  // in their order
  std::vector<db::TurnFile> again_;            // had, and gone at the first look
  std::int64_t taken_ = 0;                     // files of the budget
  std::int64_t there_ = 0, gone_ = 0;
  int failures_ = 0;
  std::string refusal_;  // the last one
  bool ends_ = false;    // nothing more is asked for
  bool rests_ = false;   // the server asked for time
  Site site_;            // last, since its requests use the rest
};

// Whether there is something to ask for.
bool Walk::read_page() {
  ends_ = ends_ || Clock::now() > end_;
  if (ends_) return false;
  if (!page_.empty()) return true;
  const auto limit = static_cast<std::int32_t>(std::min<std::int64_t>(kPage, budget_ - taken_));
  if (limit > 0) {
    for (db::TurnFile& file : known_.next_in_turn(limit, budget_)) page_.push_back(std::move(file));
  }
  taken_ += static_cast<std::int64_t>(page_.size());
  ends_ = page_.empty();
  return !ends_;
}

void Walk::start() {
  while (window_.size() < kWindow && again_.size() < kMostAgain && !ends_ && read_page()) {
    window_.push_back(std::make_shared<Asked>(Asked{std::move(page_.front()), {}}));
    page_.pop_front();
    ask(window_.back());
  }
}

void Walk::ask(const std::shared_ptr<Asked>& asked) {
  ++listing_.counts.heads;
  site_.ask(asked->file.path, [asked](FileAnswer&& answer) { asked->answer = std::move(answer); });
}

// What is answered, in the order of the questions.
void Walk::pass_on() {
  while (!window_.empty() && window_.front()->answer) {
    if (window_.front()->answer->kind == Kind::resting) return rest(window_.front()->answer->words);
    take(*window_.front());
    known_.done_in_turn(window_.front()->file);
    window_.pop_front();
  }
}

// The server has said enough; the rest has its turn the next time.
void Walk::rest(const std::string& words) {
  if (there_ + gone_ == 0) throw ListingError(words);
  ends_ = rests_ = true;
  again_.clear();
  window_.clear();
}

void Walk::take(const Asked& asked) {
  const FileAnswer& answer = *asked.answer;
  if (answer.kind == Kind::failed) return count_failure(asked);
  if (answer.kind == Kind::there) {
    ++there_;
    list_file(listing_, asked.file.path, answer.size_bytes, answer.mtime_s.value_or(kNoTime_s));
    return;
  }
  if (answer.kind == Kind::gone)
    ++gone_;
  else
    refusal_ = answer.words;
  if (asked.file.had) again_.push_back(asked.file);
}

void Walk::count_failure(const Asked& asked) {
  if (++failures_ > kMostFailures || there_ == 0) {
    throw ListingError(
        fmt::format("'{}': {}", printable(site_.url_of(asked.file.path)), asked.answer->words));
  }
}

// Files that were gone: those that still are so are not there.
void Walk::look_again() {
  if (again_.empty()) return;
  const auto end = Clock::now() + kUntilSecondLook;
  while (Clock::now() < end) site_.go_on();
  std::vector<std::shared_ptr<Asked>> second;
  for (db::TurnFile& file : again_) {
    second.push_back(std::make_shared<Asked>(Asked{std::move(file), {}}));
    ask(second.back());
  }
  again_.clear();
  while (site_.open() > 0) site_.go_on();
  for (const auto& asked : second) {
    if (!asked->answer) continue;
    const FileAnswer& answer = *asked->answer;
    if (answer.kind == Kind::there)
      list_file(listing_, asked->file.path, answer.size_bytes, answer.mtime_s.value_or(kNoTime_s));
    else if (answer.kind == Kind::gone || (answer.kind == Kind::refused && there_ > 0))
      list_file(listing_, asked->file.path, db::kNotThere, 0);
  }
}

db::Fidelity Walk::run() {
  site_.ask_for_impossible();
  site_.ask_many_at_a_time();
  while (true) {
    start();
    if (window_.empty() && again_.empty()) break;
    if (window_.empty()) {
      look_again();
      continue;
    }
    if (!window_.front()->answer) site_.go_on();
    pass_on();
  }
  if (there_ + gone_ == 0 && !refusal_.empty())
    throw ListingError(fmt::format("'{}': {} for every file", printable(site_.base()), refusal_));
  if (!rests_) site_.ask_for_impossible();
  const bool whole = known_.turn_is_whole();
  return {.times = db::Precision::second,
          .shows_times = whole || there_ >= kEnoughForTimes,
          .asked_only = true,
          .whole = whole};
}

}  // namespace

db::Fidelity list_by_head(const Target& target, KnownFiles& known, Listing& listing,
                          const Control& control) {
  try {
    if (read_head_options(target.options).complete)
      return list_by_sample(target, known, listing, control);
    return Walk(target, known, listing, control).run();
  } catch (const net::FetchError& error) {
    throw ListingError(error.what());
  }
}

}  // namespace mirror::scanner::head
