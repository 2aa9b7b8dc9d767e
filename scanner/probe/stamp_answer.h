// What an answer says of a stamp. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/request_pool.h"

namespace mirror::probe {

inline constexpr std::size_t kMaxStampBytes = 4096;

struct StampAnswer {
  std::optional<std::int64_t> at_s;  // Unix time
  std::string fault;                 // why there is none, in words; "": ask again later
  bool missing = false;              // the file does not exist
  // How long the server asks to be left alone.
  std::optional<std::int64_t> wait_s = std::nullopt;
};

// A stamp's text, or else when it was last modified. More than an hour in the future is a fault.
StampAnswer judge_stamp(std::string_view text, std::optional<std::int64_t> modified_s,
                        std::int64_t now_s);

// A stamp that is asked for, through redirects to files of the same name. Not to plain http from
// https, not to ourselves, and from a public address to no private one.
class StampRequest {
 public:
  // `server_urls`: our own. `time_offset_s`: by how much the server's times of files are ahead.
  StampRequest(std::string url, std::optional<Family> family, std::vector<std::string> server_urls,
               std::int64_t time_offset_s = 0)
      : url_(std::move(url)),
        family_(family),
        server_urls_(std::move(server_urls)),
        time_offset_s_(time_offset_s) {}

  // What to ask now; who asks adds names and times.
  net::PoolRequest request() const;
  // nullopt: ask again, elsewhere. A server that is down, or that asks for time, tells nothing.
  std::optional<StampAnswer> take(const net::PoolAnswer& answer, std::int64_t now_s);

 private:
  std::string url_;                    // that is asked now
  std::vector<std::string> followed_;  // the URLs before it
  std::optional<Family> family_;
  std::vector<std::string> server_urls_;
  std::int64_t time_offset_s_;
  bool public_only_ = false;
};

}  // namespace mirror::probe
