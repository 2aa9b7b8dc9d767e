// Asks mirrors' web servers now, many at a time, as mb-probe does, and keeps what they answer.
// Writes nothing. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/path_rules.h"
#include "db/mirror/mirrors.h"
#include "db/probe/probe_files.h"
#include "scanner/check/check.h"

namespace mirror::scanner {

// One question, and below it what came.
struct WebLook {
  const db::MirrorRecord* record = nullptr;  // must outlive it
  Way way;
  std::optional<Family> family;       // as of net::PoolRequest; nullopt: either
  std::optional<db::ProbeFile> file;  // nullopt: the mirror's base URL
  bool is_known = true;               // false: nothing is known of the file but its path

  int status = 0;  // of the last answer; 0: none came
  std::optional<std::int64_t> size_bytes, mtime_s, certificate_end_s;
  std::chrono::milliseconds latency{0};  // of the mirror's own answer; 0: none came
  std::string address, redirected_to;    // that answered last; the host, if it is another one
  probe::Verdict verdict;                // unknown until it was asked

  bool good() const { return verdict.outcome == probe::CheckOutcome::good; }
  bool cannot_tell() const { return verdict.outcome == probe::CheckOutcome::unknown; }
};

// Asks all of them; `step` is told how many are done. Stops early once `stop_fd` is readable.
// Throws net::FetchError when libcurl cannot be used.
void ask_all(std::vector<WebLook>& looks, const PathRules& rules,
             const probe::CheckOptions& options, int stop_fd,
             const std::function<void(std::size_t done)>& step);

}  // namespace mirror::scanner
