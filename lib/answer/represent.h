// A file's representation as an answer: the body with its headers, 304, or 404 with the reason.
// Pure.
#pragma once

#include <optional>

#include "answer/decide.h"
#include "render/representation.h"

namespace mirror {

// The answer to a request for a representation of a file that the table has. `negotiated`: asked
// for by Accept, at the file's own URL. A negotiated one may be declined, with the reason; an
// explicit one always gets an answer.
Outcome represent(Representation which, const Request& request, const Client& client,
                  const File& file, const FileHashes& hashes, const MirrorTable& mirrors,
                  const Settings& settings);

// As a list for this request sees the file, which need not be as a redirect does; nullopt: as it
// is. What the result shows is owned by what found the file.
std::optional<File> as_listed(Representation which, const Request& request, const File& file,
                              const FileHashes& hashes, const PathRules& rules);

// Strong, with quotes, made from the body. zsync's sums, which follow the body, are determined by
// the digests and parameters in the body.
std::string body_tag(std::string_view body);

// Whether If-None-Match names `tag`, as it is or with the suffix of a compressing filter
// (mod_deflate, mod_brotli); or, where there is no If-None-Match, whether If-Modified-Since is not
// before `mtime_s`.
bool representation_unchanged(const Validators& validators, std::string_view tag,
                              std::int64_t mtime_s);

}  // namespace mirror
