// A file's representation as an answer: the body with its headers, 304, or 404 with the reason.
// Pure.
#pragma once

#include "answer/decide.h"
#include "render/representation.h"

namespace mirror {

// The answer to a wish for a representation of a file that the table has. `negotiated` by Accept,
// at the file's own URL. Declines a negotiated one for what keeps redirects from being used, then
// with the reason; an explicit one always has an answer.
Outcome represent(Representation which, const Request& request, const Client& client,
                  const File& file, const FileHashes& hashes, const MirrorTable& mirrors,
                  const Settings& settings);

// Strong, with quotes, from what the body is. What follows a body, zsync's sums, is what the
// body's digests and parameters make it.
std::string body_tag(std::string_view body);

// Whether If-None-Match names `tag`, as it is or with the suffix of a compressing filter
// (mod_deflate, mod_brotli); or, where there is no If-None-Match, whether If-Modified-Since is not
// before `mtime_s`.
bool representation_unchanged(const Validators& validators, std::string_view tag,
                              std::int64_t mtime_s);

}  // namespace mirror
