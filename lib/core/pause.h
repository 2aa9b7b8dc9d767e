// That an admin has stopped all redirects for a while (`mb pause`). Pure.
#pragma once

#include <cstdint>
#include <string>

#include "core/path.h"
#include "core/readable.h"

namespace mirror {

struct Pause {
  std::int64_t since_s = 0;  // Unix time
  std::string reason;
  bool operator==(const Pause&) const = default;

  // "since 2026-11-30 10:02 UTC: the new disks come", on one line.
  std::string text() const {
    return "since " + utc_minute(since_s) + (reason.empty() ? "" : ": " + printable(reason));
  }
};

}  // namespace mirror
