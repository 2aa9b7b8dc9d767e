// One check of a mirror over one way: asks for a file that the mirror should have, follows
// redirects, and judges what came. Pure: it says what to ask next and is told the answer. Plain
// values, one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/health.h"
#include "db/probe/content_pieces.h"
#include "net/request_pool.h"

namespace mirror::probe {

struct CheckTarget {
  Way way;
  std::string url;  // of the file, on the mirror
  std::int64_t size_bytes = 0;
  std::vector<std::int64_t> mtimes_s;  // under which the source has had this version
  bool keeps_times = false;            // then they must match
  std::int64_t time_tolerance_s = 0;   // how exactly the mirror keeps times
  // Ask for these bytes of the file; nullopt: only whether it is there.
  std::optional<db::ContentPiece> piece;
  bool impossible = false;  // no such file can exist: 200 for it is wrong
  bool by_get = false;      // HEAD is not believed
};

struct CheckOptions {
  std::string user_agent, ca_file;
  std::vector<std::string> server_urls;  // our own, each ends in '/'
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds timeout{10000};  // of a check, redirects included
};

enum class CheckOutcome : std::uint8_t {
  good,
  bad,         // the server does not answer as a mirror must
  wrong_file,  // it answers, but does not have this file, or has another one in its place
  unknown      // this machine cannot tell
};

struct Verdict {
  CheckOutcome outcome = CheckOutcome::good;
  std::string reason;        // in words; "" when good
  bool waited = false;       // time was up: a busy or frozen machine of ours looks like that too
  bool other_bytes = false;  // the file looks right in all but its content
  bool compared = true;      // false: good, but nothing tells whether the content is
  bool newer = false;        // the file that it has is newer than any that we know of
  bool gone = false;         // wrong_file: the mirror says that there is none
  bool of_file = false;      // bad, but perhaps for this file alone
  bool at_once = false;      // bad: no second check is needed
  std::optional<std::int64_t> wait_s = std::nullopt;  // to the next check, as the server asks for
};

class Check {
 public:
  // `options` must outlive it.
  Check(CheckTarget target, const CheckOptions& options)
      : target_(std::move(target)), options_(options), url_(target_.url) {}

  // What to ask now, `spent` after the check began.
  net::PoolRequest request(std::chrono::milliseconds spent) const;
  // The answer to it. nullopt: there is another request. `now_s` is Unix time.
  std::optional<Verdict> take(const net::PoolAnswer& answer, std::int64_t now_s);

  const CheckTarget& target() const { return target_; }
  // The host to which the mirror redirected in the end; "": to no other one.
  std::string final_host() const;
  std::chrono::milliseconds latency() const { return latency_; }  // of the mirror's own answer
  const std::optional<std::int64_t>& certificate_end() const { return certificate_end_; }

 private:
  enum class Step : std::uint8_t { head, range, certificate };
  // Later requests have only a part of the check's time.
  bool is_first() const { return followed_.empty() && step_ == Step::head; }
  std::optional<Verdict> next(const net::PoolAnswer& answer, std::int64_t now_s);
  std::optional<Verdict> take_failure(const net::PoolAnswer& answer);
  Verdict breaks_off(const net::PoolAnswer& answer) const;
  Verdict judge_certificate(const net::PoolAnswer& answer, std::int64_t now_s) const;
  std::string where(const std::string& reason) const;
  std::optional<Verdict> follow(const std::string& url);
  static Verdict judge_impossible(const net::PoolAnswer& answer);
  std::optional<Verdict> judge(const net::PoolAnswer& answer) const;
  std::optional<Verdict> judge_headers(const net::PoolAnswer& answer) const;
  std::optional<Verdict> judge_piece(const net::PoolAnswer& answer) const;
  bool has_time(std::int64_t time_s) const;
  Verdict judge_status(const net::PoolAnswer& answer) const;
  bool is_later(const net::PoolAnswer& answer) const;
  bool is_newer(const net::PoolAnswer& answer) const;

  CheckTarget target_;
  const CheckOptions& options_;
  std::string url_;  // that is asked now
  Step step_ = Step::head;
  std::vector<std::string> followed_;  // the URLs before it
  bool public_only_ = false;
  std::string certificate_words_;  // why it is not trusted
  std::chrono::milliseconds latency_{0};
  std::optional<std::int64_t> certificate_end_;
};

// The ways that a mirror claims: the schemes of its URLs over its address families, but for a URL
// whose host is an address of the other family.
std::vector<Way> claimed_ways(const std::string& http_url, const std::string& https_url, bool ipv4,
                              bool ipv6);

}  // namespace mirror::probe
