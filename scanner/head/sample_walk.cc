#include "scanner/head/sample_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/path.h"
#include "scanner/head/head_options.h"
#include "scanner/head/site.h"

namespace mirror::scanner::head {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = FileAnswer::Kind;

constexpr std::int32_t kMostAlone = 20000;  // in one run, whatever the budget is
constexpr std::int64_t kMostPercent = 3;    // of a sample may be missing or different

struct Asked {
  db::SampleFile file;
  std::optional<FileAnswer> answer;

  // Whether the mirror has this version, as far as size and time tell. Without a time only
  // immutable files count.
  bool agrees() const {
    return answer && answer->kind == Kind::there && answer->size_bytes == file.size_bytes &&
           answer->mtime_s.value_or(kNoTime_s) >= file.not_before_s;
  }
  std::string why_not() const {
    if (answer->kind != Kind::there) return answer->words;
    return answer->mtime_s ? "another size or an older time" : "another size, or no Last-Modified";
  }
};

bool is_too_many(std::int64_t wrong, std::int64_t all) {
  return wrong > 1 && wrong * 100 > kMostPercent * all;
}

class Sample {
 public:
  Sample(const Target& target, KnownFiles& known, Listing& listing, const Control& control)
      : known_(known),
        listing_(listing),
        options_(read_head_options(target.options)),
        budget_(options_.budget.value_or(target.head_budget)),
        minutes_(target.max_minutes),
        site_(target, options_, control) {}

  db::Fidelity run();

 private:
  std::vector<Asked> ask_all(std::vector<db::SampleFile> files);
  void ask(Asked& asked);
  void finish();
  void look_again(std::vector<Asked>& all);
  void list(const std::vector<Asked>& all);
  void heed_failure(const Asked& asked);
  std::int32_t most_alone(std::int64_t sampled) const;
  static void judge(const std::vector<Asked>& all);
  std::int64_t believed_rev(const std::vector<Asked>& all) const;

  KnownFiles& known_;
  Listing& listing_;
  const HeadOptions options_;
  const std::int64_t budget_;
  const double minutes_;  // for the whole run
  const Clock::time_point end_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                    std::chrono::duration<double>(minutes_ * 60));
  std::int64_t there_ = 0;
  int failures_ = 0;
  Site site_;
};

void Sample::ask(Asked& asked) {
  ++listing_.counts.heads;
  site_.ask(asked.file.path, [&asked](FileAnswer&& answer) { asked.answer = std::move(answer); });
}

void Sample::finish() {
  while (site_.open() > 0) {
    if (Clock::now() > end_)
      throw ListingError(fmt::format("it took longer than {:g} minutes", minutes_));
    site_.go_on();
  }
}

std::vector<Asked> Sample::ask_all(std::vector<db::SampleFile> files) {
  std::vector<Asked> all;
  for (db::SampleFile& file : files) all.push_back({std::move(file), {}});
  for (Asked& asked : all) ask(asked);
  finish();
  look_again(all);
  list(all);
  return all;
}

// A file may be missing for the moment in which a new version takes its place.
void Sample::look_again(std::vector<Asked>& all) {
  std::vector<Asked*> again;
  for (Asked& asked : all) {
    const Kind kind = asked.answer->kind;
    if (kind == Kind::gone || kind == Kind::refused) again.push_back(&asked);
  }
  if (again.empty()) return;
  const auto end = Clock::now() + kUntilSecondLook;
  while (Clock::now() < end) site_.go_on();
  for (Asked* const asked : again) ask(*asked);
  finish();
}

void Sample::list(const std::vector<Asked>& all) {
  for (const Asked& asked : all) {
    const FileAnswer& answer = *asked.answer;
    if (answer.kind == Kind::resting) throw ListingError(answer.words);
    if (answer.kind == Kind::there) {
      ++there_;
      list_file(listing_, asked.file.path, answer.size_bytes, answer.mtime_s.value_or(kNoTime_s));
    } else if (answer.kind == Kind::failed) {
      heed_failure(asked);
    } else {
      list_file(listing_, asked.file.path, db::kNotThere, 0);
    }
  }
}

// What the mirror had, it keeps; what it did not have is not taken for there.
void Sample::heed_failure(const Asked& asked) {
  if (++failures_ > kMostFailures) {
    throw ListingError(
        fmt::format("'{}': {}", printable(site_.url_of(asked.file.path)), asked.answer->words));
  }
  if (!asked.file.had) list_file(listing_, asked.file.path, db::kNotThere, 0);
}

// Whether the mirror has what it is said to have. Its newest files may still be on their way.
void Sample::judge(const std::vector<Asked>& all) {
  std::int64_t asked_for = 0, wrong = 0;
  const Asked* example = nullptr;
  for (const Asked& asked : all) {
    if (asked.file.newest) continue;
    ++asked_for;
    if (asked.agrees()) continue;
    ++wrong;
    example = &asked;
  }
  if (!is_too_many(wrong, asked_for)) return;
  throw ListingError(fmt::format(
      "it is said to be complete, but of {} files asked for {} are missing or different, as '{}' "
      "({})",
      asked_for, wrong, printable(example->file.path), example->why_not()));
}

// Up to which revision new files count as there: the sample has shown a file as new or newer, and
// of the newest ones none that is missing. The first time a few may be, since most files are older
// than the mirror.
std::int64_t Sample::believed_rev(const std::vector<Asked>& all) const {
  struct Group {
    std::int64_t files = 0, wrong = 0;
  };
  std::map<std::int64_t, Group> newest;
  std::int64_t shown = 0;
  for (const Asked& asked : all) {
    if (asked.agrees()) shown = std::max(shown, asked.file.version_rev);
    if (!asked.file.newest) continue;
    Group& group = newest[asked.file.version_rev];
    ++group.files;
    if (!asked.agrees()) ++group.wrong;
  }
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  const bool first = known_.is_first_sample();
  for (const auto& [rev, group] : newest) {
    if (first ? is_too_many(group.wrong, group.files) : group.wrong > 0)
      before = std::min(before, rev - 1);
  }
  return std::min(shown, before);
}

// Whether a file is missing or different that would count as new again in the next run.
bool is_any_wrong_above(std::int64_t rev, const std::vector<Asked>& all) {
  return std::any_of(all.begin(), all.end(), [rev](const Asked& asked) {
    return asked.file.version_rev > rev && !asked.agrees();
  });
}

// As many as half of the time is enough for, where the rate is limited.
std::int32_t Sample::most_alone(std::int64_t sampled) const {
  std::int64_t most = std::min<std::int64_t>(kMostAlone, budget_ - sampled);
  const double rate = options_.web.requests_per_s;
  if (rate > 0) most = std::min(most, static_cast<std::int64_t>(rate * minutes_ * 30));
  return static_cast<std::int32_t>(std::max<std::int64_t>(most, 1));
}

db::Fidelity Sample::run() {
  site_.ask_for_impossible();
  site_.ask_many_at_a_time();
  const auto count = static_cast<std::int32_t>(std::min(options_.sample, budget_));
  const std::vector<Asked> sampled = ask_all(known_.sample(count));
  judge(sampled);
  db::TakenForListed taken = known_.take(believed_rev(sampled));
  const std::int32_t most = most_alone(count);
  const std::vector<Asked> alone = ask_all(known_.ask_alone(taken, most));
  const bool all = static_cast<std::int32_t>(alone.size()) < most;
  site_.ask_for_impossible();
  known_.done_with_sample(taken, all || is_any_wrong_above(taken.upto, sampled) ||
                                     is_any_wrong_above(taken.upto, alone));
  return {.times = db::Precision::second,
          .shows_times = there_ >= kEnoughForTimes,
          .asked_only = true,
          .whole = all,
          .taken = std::move(taken)};
}

}  // namespace

db::Fidelity list_by_sample(const Target& target, KnownFiles& known, Listing& listing,
                            const Control& control) {
  return Sample(target, known, listing, control).run();
}

}  // namespace mirror::scanner::head
