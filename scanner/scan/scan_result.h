// How one scan ended. The summary line, the JSON and the exit status are made from it. A plain
// value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "db/merge/scan.h"
#include "scanner/list/listing.h"

namespace mirror::scanner {

enum class ScanOutcome : std::uint8_t { merged, unchanged, refused, failed, locked };

constexpr std::string_view outcome_text(ScanOutcome outcome) {
  constexpr std::string_view kTexts[] = {"merged", "unchanged", "refused", "failed", "locked"};
  return kTexts[static_cast<std::size_t>(outcome)];
}

struct ScanResult {
  bool is_source = false;
  std::string name;  // the mirror's identifier; the source's directory or URL
  ScanOutcome outcome = ScanOutcome::failed;
  std::string error;           // for refused, failed, locked
  std::string_view method;     // of the mirror, by which it was listed; "": by none
  std::int64_t start_rev = 0;  // of the mirror: MergeReport::start_rev
  std::string failed_ways;     // those that were tried before, and why they failed; "": none
  db::ScanCounts counts;
  std::string believed;        // why a listing was merged that would have been refused, or ""
  std::string unserved;        // which of the files listed do not count, and why, or ""
  bool serves_little = false;  // most of what was asked for does not count
  std::string of_no_use;       // of one that worked: why it found nothing, or ""
  ListingCounts listing;
  double seconds = 0;
  double lock_seconds = 0;
  bool enabled = false;              // by --enable, just now
  std::string disabled;              // just now, since it could not be listed: why, or ""
  std::string plan_fault;            // the queue could not be told of its end: why, or ""
  std::string ended;                 // by --break-lock: whose scan; "": nobody's
  std::vector<std::int64_t> reread;  // of the source: MergeReport::reread
  std::int64_t hashed = 0;           // touched files of the source that were hashed again at once
  std::string hash_fault;            // why that broke off, or ""

  bool worked() const {
    return outcome == ScanOutcome::merged || outcome == ScanOutcome::unchanged;
  }
};

}  // namespace mirror::scanner
