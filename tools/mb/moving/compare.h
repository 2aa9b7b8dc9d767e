// What `mb compare` asks two redirectors, and what it makes of the answers. Judging and the text
// (compare_judge.cc) are pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moving/access_log.h"
#include "os/stop_signal.h"
#include "tools/cli/json.h"

namespace mirror::mb {

// What one of the two answered, and what stands where it sent the client.
struct Seen {
  std::string fault;  // why there is no answer; "" for an answer
  int status = 0;
  std::string target;  // where it redirected to; "": it did not
  std::chrono::milliseconds latency{0};
  // Of the target, or without one of the answer itself.
  std::string end_fault;  // why the target gives no answer
  int end_status = 0;
  std::optional<std::int64_t> size_bytes;
  std::string country;  // of the server that the client was sent to; "": unknown
};

struct ComparedRequest {
  LoggedRequest request;
  Seen a, b;
  std::optional<std::int64_t> true_size_bytes;  // as --truth has it
};

// Why the client was sent wrong; "": it was not, as far as is known.
std::string wrong_because(const Seen& mine, const Seen& other,
                          const std::optional<std::int64_t>& true_size_bytes);

struct ComparedSide {
  std::string url;
  std::int64_t wrong = 0, no_redirect = 0;
  std::vector<std::int64_t> latencies_ms;
};

struct Comparison {
  ComparedSide a, b;
  std::int64_t requests = 0, both_redirect = 0, same_mirror = 0;
  std::int64_t countries_known = 0, same_country = 0, sizes_differ = 0;
  std::int64_t unreadable = 0, other_method = 0;  // lines that were left out
  struct Example {
    const char* side;  // "A", "B"
    std::string client, path, target, reason;
  };
  static constexpr std::size_t kMostExamples = 20;
  std::vector<Example> examples;

  void add(const ComparedRequest& one);
};
std::string comparison_text(Comparison& comparison);
nlohmann::json comparison_json(Comparison& comparison);

struct CompareOptions {
  std::string url_a, url_b, truth_url;
  std::string client_header = "X-Forwarded-For";  // "": the client's address is not sent
  std::string ca_file;
  int parallel = 8;
  double rate = 50;  // requests per second to each
  double timeout_s = 10;
  bool checks_targets = true;
};

// Asks until `next` has no more, or the program is asked to stop; calls `done` for each. `country`
// tells where an address is. Throws what they throw.
void compare_all(const CompareOptions& options,
                 const std::function<std::optional<LoggedRequest>()>& next,
                 const std::function<std::string(const std::string& address)>& country,
                 const std::function<void(ComparedRequest&&)>& done, const StopSignal& stop);

}  // namespace mirror::mb
