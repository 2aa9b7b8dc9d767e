// What becomes of a check that has ended: the half of Prober that judges.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "scanner/probe/prober.h"
#include "scanner/probe/run.h"
#include "scanner/probe/source_tree.h"

namespace mirror::probe {
namespace {

constexpr int kWrongAlone = 5;    // files in a row
constexpr int kMostRepeated = 2;  // in a row
constexpr double kAlone_s = 3600;

bool tells_nothing(const Verdict& verdict) {
  return verdict.outcome == CheckOutcome::bad || verdict.outcome == CheckOutcome::unknown;
}

}  // namespace

void Prober::ended(Run& run, const Verdict& found) {
  Item& item = run.item;
  if (found.wait_s && found.outcome == CheckOutcome::unknown)
    rests_.asked_for_time(item.mirror->mirror.id, *found.wait_s, now_s_, true);
  if (run.missing) return other_way_ended(run, found);
  item.running = false;
  if (item.removed) return;
  // Perhaps we stood still, not the mirror. On a machine that always does, it counts in the end.
  if (found.waited && run.started_s < stalled_s_ && ++item.repeated <= kMostRepeated) {
    item.due_s = now_s_;
    return;
  }
  item.repeated = 0;
  if (run.check.certificate_end()) item.certificate_end_s = run.check.certificate_end();
  Verdict verdict = found;
  // A server may ask for time, but not again and again.
  if (!std::exchange(item.rested, verdict.wait_s.has_value()) && verdict.wait_s) {
    verdict.outcome = CheckOutcome::unknown;
    rests_.asked_for_time(item.mirror->mirror.id, *verdict.wait_s, now_s_, true);
    for (Item* other : fleet_.items())  // over whatever way
      if (other->mirror->mirror.id == item.mirror->mirror.id) other->rested = true;
  }
  if (verdict.outcome == CheckOutcome::good) {
    if (item.in_row == 0) {
      item.latency_ms = run.check.latency().count();
      item.connected_s = now_s_;
    }
    item.final_host = run.check.final_host();
    item.last_good_s = now_s_;
  }
  if (run.job.kind != Job::Kind::presence && tells_nothing(verdict))
    return rare_failed(run, verdict);
  if (run.refused && verdict.outcome == CheckOutcome::bad && verdict.of_file)
    verdict.outcome = CheckOutcome::wrong_file;
  if (verdict.outcome == CheckOutcome::bad && verdict.of_file && item.in_row > 0)
    return refused_in_row(run, verdict);
  if (verdict.outcome == CheckOutcome::bad) return failed(run, verdict);
  if (verdict.outcome == CheckOutcome::wrong_file && run.again) {
    if (!ask_other_way(run, verdict, other_ways(item))) missing(run, verdict, false);
    return;
  }
  judge_file(run, verdict);
  apply(item, verdict, run.job.file.path, run.job.kind);
}

// Perhaps it gives so many answers in a row and no more. So the file is asked for once more, alone.
void Prober::refused_in_row(const Run& run, Verdict verdict) {
  Item& item = run.item;
  item.alone_until_s = now_s_ + kAlone_s;
  verdict.outcome = CheckOutcome::unknown;
  apply(item, verdict, run.job.file.path, run.job.kind);
  item.doubted = run.job;
  item.doubts_refusal = true;
  item.due_s = now_s_ + hysteresis_options_.again_s;
}

// A run that ends asks each mirror a few times only, and waits for none.
bool Prober::rests(Item& item) const {
  const double until_s = rests_.rounds_until_s(item.mirror->mirror.id);
  if (!options_.loop || until_s <= now_s_) return false;
  item.due_s = until_s;
  return true;
}

// Whether a way is down is found out by asking for files alone. Nor may a rare check that tells
// nothing be repeated for ever in their place.
void Prober::rare_failed(const Run& run, Verdict verdict) {
  Item& item = run.item;
  const bool bad = verdict.outcome == CheckOutcome::bad;
  item.doubted.reset();
  if (run.job.kind == Job::Kind::content) findings_.not_compared(item.mirror->mirror.id);
  verdict.outcome = CheckOutcome::unknown;
  apply(item, verdict, run.job.file.path, run.job.kind);
  if (bad) item.due_s = now_s_;
}

// A file is asked for once more before the mirror counts as not having it.
void Prober::judge_file(const Run& run, const Verdict& verdict) {
  Item& item = run.item;
  if (verdict.outcome == CheckOutcome::wrong_file) {
    item.doubted = run.job;
    item.doubts_refusal = false;
  } else if (verdict.outcome == CheckOutcome::good) {
    item.doubted.reset();
    item.wrong_alone = 0;
    if (!verdict.compared) return findings_.not_compared(item.mirror->mirror.id);
    findings_.right(*item.mirror, run.job.kind, now_s_);
    if (run.job.kind != Job::Kind::presence) return;
    // What it failed for was perhaps not its own failure, but that file's.
    const std::optional<Job> refused = std::exchange(item.refused, std::nullopt);
    if (!refused || refused->file.id == run.job.file.id) return;
    item.doubted = refused;
    item.doubts_refusal = true;
  }
}

std::vector<Way> Prober::other_ways(const Item& item) const {
  std::vector<Way> ways;
  for (const Item* other : fleet_.items()) {
    const bool same = other->mirror->mirror.id == item.mirror->mirror.id;
    if (same && other != &item && !other->removed && !other->failing() &&
        other->hysteresis.state() == State::up)
      ways.push_back(other->way);
  }
  return ways;
}

// Whether there is one. A mirror lacks a file only if it has it over none of its ways.
bool Prober::ask_other_way(const Run& run, const Verdict& verdict, std::vector<Way> ways) {
  if (ways.empty() || run.job.kind == Job::Kind::impossible) return false;
  Item& item = run.item;
  CheckTarget target = target_of(*item.mirror, ways.back(), run.job);
  target.by_get = true;
  ways.pop_back();
  item.running = true;
  ask(std::make_shared<Run>(Run{item, Check(std::move(target), check_options_), run.job, now_s_,
                                true, false, verdict, std::move(ways)}));
  return true;
}

void Prober::other_way_ended(const Run& run, const Verdict& verdict) {
  run.item.running = false;
  if (run.item.removed) return;
  if (verdict.outcome == CheckOutcome::good) return missing(run, *run.missing, true);
  if (!ask_other_way(run, *run.missing, run.others)) missing(run, *run.missing, false);
}

// `elsewhere`: the mirror has the file over another way.
void Prober::missing(const Run& run, Verdict verdict, bool elsewhere) {
  Item& item = run.item;
  item.doubted.reset();
  if (!elsewhere) {
    note_missing(run, verdict);
  } else if (++item.wrong_alone >= kWrongAlone) {
    verdict.outcome = CheckOutcome::bad;
    verdict.at_once = true;
    verdict.reason = fmt::format("serves other files over {}/{} than over its other ways: {}",
                                 item.way.https ? "https" : "http",
                                 item.way.family == Family::ipv6 ? "IPv6" : "IPv4", verdict.reason);
  }
  apply(item, verdict, run.job.file.path, run.job.kind);
}

// What the source has deleted since its last scan speaks against nobody.
void Prober::note_missing(const Run& run, const Verdict& verdict) {
  const auto note = [this, mirror = run.item.mirror, job = run.job, verdict](bool deleted) {
    findings_.wrong(*mirror, job, verdict, deleted, now_s_);
  };
  const std::string& path = run.job.file.path;
  const bool deleted = verdict.gone && is_deleted(options_.instance.source, path);
  deleted || !verdict.gone ? note(deleted) : source_web_.ask(path, now_s_, note);
}

void Prober::failed(const Run& run, const Verdict& verdict) {
  Item& item = run.item;
  // A run that ends asks the others only once: what was good since this check began must do.
  if (!item.failing()) item.first_failed_s = options_.loop ? now_s_ : run.started_s;
  item.in_row = 0;
  item.doubted.reset();
  if (verdict.of_file) item.refused = run.job;
  if (item.hysteresis.near_down()) {
    item.pending = Failure{verdict, run.job.file.path,
                           now_s_,  options_.loop ? now_s_ : item.first_failed_s,
                           false,   network_.worked_since_failure(item, fleet_.items())};
    return;
  }
  apply(item, verdict, run.job.file.path, run.job.kind);
  if (!item.failing()) return;
  // A check that waited for an answer in vain has waited already.
  item.due_s = std::max(now_s_, run.started_s + hysteresis_options_.again_s);
  network_.suspect(item);
}

}  // namespace mirror::probe
