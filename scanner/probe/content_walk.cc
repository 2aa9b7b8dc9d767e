#include "scanner/probe/content_walk.h"

#include <algorithm>
#include <utility>

namespace mirror::probe {
namespace {

// As new versions come while older ones wait, each time a span is added. More are made one, which
// asks for some files again.
constexpr std::size_t kMostSpans = 16;
constexpr std::size_t kNumbers = 3;  // of a stored span, behind the newest version

}  // namespace

ContentWalk::ContentWalk(const db::RememberedWalk& remembered)
    : began_s_(remembered.began_s), listing_(remembered.listing) {
  const std::vector<std::int64_t>& numbers = remembered.spans;
  if (numbers.size() % kNumbers != 1) {
    began_s_.reset();
    return;
  }
  newest_rev_ = numbers.front();
  for (std::size_t i = 1; i < numbers.size(); i += kNumbers)
    spans_.push_back({{numbers[i], numbers[i + 1]}, numbers[i + 2]});
}

db::RememberedWalk ContentWalk::remembered() const {
  db::RememberedWalk stored{{newest_rev_}, began_s_, listing_};
  for (const Span& span : spans_)
    stored.spans.insert(stored.spans.end(),
                        {span.from.version_rev, span.from.file_id, span.above_rev});
  return stored;
}

void ContentWalk::look(std::int64_t newest_rev, const std::string& listing, std::int64_t now_s,
                       std::int64_t again_s) {
  const bool changed = !listing.empty() && std::exchange(listing_, listing) != listing;
  const bool ended = spans_.empty() && began_s_ && now_s - *began_s_ >= again_s;
  if (!began_s_ || changed || ended) {
    spans_.clear();
    newest_rev_ = 0;
    began_s_ = now_s;
  }
  if (newest_rev <= newest_rev_) return;
  add({{newest_rev}, std::exchange(newest_rev_, newest_rev)});
}

// A walk that has yet to begin comes there in any case.
void ContentWalk::again(std::int64_t oldest_rev, std::int64_t newest_rev) {
  if (began_s_) add({{newest_rev}, oldest_rev - 1});
}

void ContentWalk::add(const Span& span) {
  spans_.push_back(span);
  if (spans_.size() <= kMostSpans) return;
  Span& kept = spans_[1];
  kept.from = std::max(kept.from, spans_[0].from);
  kept.above_rev = std::min(kept.above_rev, spans_[0].above_rev);
  spans_.erase(spans_.begin());
}

std::optional<ContentWalk::Span> ContentWalk::next() const {
  if (spans_.empty()) return std::nullopt;
  return spans_.back();
}

void ContentWalk::done(std::optional<db::VersionPlace> upto) {
  if (spans_.empty()) return;
  if (upto)
    spans_.back().from = *upto;
  else
    spans_.pop_back();
}

}  // namespace mirror::probe
