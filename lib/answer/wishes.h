// What request headers ask for: digests (RFC 3230, RFC 9530) and Metalinks (Accept). Read strictly:
// a member of a list that is not well-formed counts as not sent, a malformed dictionary as no
// dictionary. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hashes.h"
#include "render/representation.h"

namespace mirror {

// A weight (RFC 9110 §12.4.2) in thousandths; nullopt for anything but 0, 0.123, 1, 1.000 and the
// like.
std::optional<int> parse_weight(std::string_view text);

enum class DigestAlgorithm : std::uint8_t { sha256, sha512, sha1, md5 };

// Want-Digest (RFC 3230 §4.3.1), most wanted first; what has weight 0 or is unknown to us is left
// out.
std::vector<DigestAlgorithm> parse_want_digest(std::string_view value);

// Want-Repr-Digest (RFC 9530 §4), a dictionary (RFC 8941 §3.2) of integers from 0 to 10, most
// wanted first; nullopt when it is malformed, which counts as not sent.
std::optional<std::vector<DigestAlgorithm>> parse_want_repr_digest(std::string_view value);

// The values of Digest and Repr-Digest: the wanted digests that are known; when nothing was wanted
// all known ones, of Repr-Digest only those that RFC 9530 calls secure. "": no header.
std::string digest_value(const FileHashes& hashes, std::string_view want_digest);
std::string repr_digest_value(const FileHashes& hashes, std::string_view want_repr_digest);

// A cheap check whether Accept may ask for a Metalink; few do.
bool mentions_metalink(std::string_view accept);
// The Metalink that Accept asks for instead of the file: it names metalink4+xml or metalink+xml
// with at least the weight of the best range that fits `mime_type`. Wildcards do not ask for a
// Metalink.
std::optional<Representation> negotiated_metalink(std::string_view accept,
                                                  std::string_view mime_type);

}  // namespace mirror
