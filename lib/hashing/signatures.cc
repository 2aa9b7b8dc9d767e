#include "hashing/signatures.h"

#include <algorithm>

namespace mirror::hash {

bool is_signature(std::string_view path) {
  return std::any_of(std::begin(kSignatureSuffixes), std::end(kSignatureSuffixes),
                     [&](const auto& suffix) { return path.ends_with(suffix.first); });
}

bool is_signature_size(std::int64_t size_bytes) {
  return size_bytes > 0 && size_bytes <= static_cast<std::int64_t>(kMaxSignatureBytes);
}

std::int64_t SignatureObject::stamp() const {
  if (kind == SignatureKind::none) return 0;
  // Of a second's digits those below are free: sizes have at most 17 bits.
  constexpr std::int64_t kSecond = 1'000'000'000, kLastSecond = 9'000'000'000;
  const std::int64_t seconds = std::clamp(mtime_s, -kLastSecond, kLastSecond);
  return seconds * kSecond + 2 * size_bytes + (kind == SignatureKind::sig ? 1 : 0);
}

void BucketSignatures::find(db::Connection& connection,
                            const std::vector<db::HashTarget>& targets) {
  std::vector<std::string> paths;
  for (const db::HashTarget& target : targets) {
    if (is_signature(target.path)) continue;
    for (const auto& [suffix, kind] : kSignatureSuffixes) paths.push_back(target.path + suffix);
  }
  found_.clear();
  if (paths.empty()) return;
  std::map<std::string, db::HashTarget> objects;
  for (db::HashTarget& object : db::find_hash_targets(connection, paths, {})) {
    if (is_signature_size(object.size_bytes)) objects.emplace(object.path, std::move(object));
  }
  for (const db::HashTarget& target : targets) {
    for (const auto& [suffix, kind] : kSignatureSuffixes) {
      const auto object = objects.find(target.path + suffix);
      if (object == objects.end()) continue;
      found_[target.path] = {object->first, kind, object->second.size_bytes,
                             object->second.mtime_s};
      break;
    }
  }
}

SignatureObject BucketSignatures::of(const std::string& path) const {
  const auto found = found_.find(path);
  return found == found_.end() ? SignatureObject() : found->second;
}

}  // namespace mirror::hash
