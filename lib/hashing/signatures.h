// Detached signatures beside the files of a source: FILE.asc, or else FILE.sig.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/hashes.h"
#include "db/hash/known_hashes.h"

namespace mirror::hash {

// In the order in which they are preferred.
inline constexpr std::pair<const char*, SignatureKind> kSignatureSuffixes[] = {
    {".asc", SignatureKind::asc}, {".sig", SignatureKind::sig}};

// A signature itself has none.
bool is_signature(std::string_view path);
// Neither empty nor too long.
bool is_signature_size(std::int64_t size_bytes);

struct Signature {
  std::string text;
  SignatureKind kind = SignatureKind::none;
  std::int64_t ctime_ns = 0;  // 0: there is none
};

// A signature that is an object of a bucket, as the last scan found it.
struct SignatureObject {
  std::string path;
  SignatureKind kind = SignatureKind::none;  // none: there is no signature
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;

  // What stands in for the ctime of an inode, which objects do not have: another number for
  // another kind, time or size, never 0; 0 without a signature.
  std::int64_t stamp() const;
};

// The signatures of a source in a bucket. One thread, that of its connection.
class BucketSignatures {
 public:
  // Looks for those of these files, and forgets all others. Throws db::Error.
  void find(db::Connection& connection, const std::vector<db::HashTarget>& targets);
  // Of one of these files.
  SignatureObject of(const std::string& path) const;

 private:
  std::map<std::string, SignatureObject> found_;  // by the path of the file that they sign
};

}  // namespace mirror::hash
