// Conditional requests (RFC 9110 §13) against the source's version of a file, so that a client that
// already has it gets 304.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace mirror {

struct Validators {
  std::string_view if_none_match = {};  // "" when the client sent none
  std::string_view if_modified_since =
      {};  // "" when the client sent none; an HTTP-date in any RFC 9110 §5.6.7 form
};

// Whether to answer 304. If-None-Match decides alone where it is given: it matches our own entity
// tag and those that common mirror servers make of the same size and mtime (httpd `size-mtime in
// µs`, nginx `mtime-size`, both in hex), compared weakly. A `*` matches. An unreadable date is
// ignored.
bool not_modified(const Validators& validators, std::int64_t size_bytes, std::int64_t mtime_s);

// Whether an If-None-Match list is `*`, or has a tag whose text between the quotes (RFC 9110
// §8.8.3) fits.
bool any_entity_tag(std::string_view list, const std::function<bool(std::string_view)>& fits);

// Our entity tag for a version without a hash: httpd's form, with quotes.
std::string entity_tag(std::int64_t size_bytes, std::int64_t mtime_s);

}  // namespace mirror
