// The rest of an answer that is too large for memory. It is read in pieces while the client takes
// them, so a slow client needs memory for one piece only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "httpd_api.h"

namespace mirror::httpd {

inline constexpr std::int64_t kPieceBytes = 32 * 1024;

// Exactly `count` bytes from `offset` (from 0) on; anything else, also what it throws, ends the
// client's connection. Called by one thread at a time, also after the handler has returned.
using RestReader = std::function<std::string(std::int64_t offset, std::int64_t count)>;

// A bucket of those bytes. The reader lives in the pool, which must live as long as the bucket.
apr_bucket* make_rest_bucket(apr_pool_t* pool, apr_bucket_alloc_t* buckets, RestReader reader,
                             std::int64_t offset, std::int64_t bytes);

}  // namespace mirror::httpd
