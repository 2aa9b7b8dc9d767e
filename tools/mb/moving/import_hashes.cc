#include "tools/mb/moving/import_hashes.h"

#include <fmt/core.h>

#include <map>

#include "core/path.h"
#include "core/readable.h"
#include "db/hash/known_hashes.h"
#include "moving/mirrorbrain_hashes.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

using moving::MovedHash;

constexpr std::int32_t kGroupFiles = 1000;

struct Counts {
  std::int64_t taken = 0, known = 0, other_version = 0, no_file = 0;
};

// Whose digests may be stored: the version that was read is the present one, and nothing is known
// of it. What was touched since, reading alone can judge.
std::vector<db::HashResult> fitting(db::Connection& connection,
                                    std::map<std::string, MovedHash> listed, Counts& counts) {
  std::vector<std::string> paths;
  for (const auto& [path, hash] : listed) paths.push_back(path);
  std::vector<db::HashResult> results;
  for (const db::HashTarget& target : db::find_hash_targets(connection, paths, HashKinds())) {
    const auto found = listed.extract(target.path);
    const MovedHash& hash = found.mapped();
    if (target.known) {
      ++counts.known;
    } else if (target.pending || target.size_bytes != hash.size_bytes ||
               target.mtime_s != hash.mtime_s) {
      ++counts.other_version;
    } else {
      FileHashes hashes;
      hashes.md5 = hash.md5;
      hashes.sha1 = hash.sha1;
      hashes.sha256 = hash.sha256;
      results.push_back({target.file_id, target.version_rev, target.size_bytes, target.mtime_s,
                         std::nullopt, std::nullopt, std::move(hashes)});
    }
  }
  counts.no_file += static_cast<std::int64_t>(listed.size());
  return results;
}

Counts take_all(db::Connection& from, db::Connection& to, bool dry_run) {
  Counts counts;
  moving::MirrorbrainHashes hashes(from);
  for (;;) {
    const std::vector<MovedHash> page = hashes.next(kGroupFiles);
    if (page.empty()) return counts;
    std::map<std::string, MovedHash> listed;
    for (const MovedHash& hash : page) {
      if (check_path(hash.path) == PathFault::none)
        listed[hash.path] = hash;
      else
        ++counts.no_file;
    }
    const auto results = fitting(to, std::move(listed), counts);
    counts.taken +=
        dry_run ? static_cast<std::int64_t>(results.size()) : db::store_hashes(to, results).stored;
  }
}

}  // namespace

int import_hashes(Context& context, const std::string& conninfo, bool dry_run, bool json) {
  db::Connection from(conninfo, "mb import");
  from.script("SET default_transaction_read_only = on; SET search_path = public");
  const Counts counts = take_all(from, context.database(), dry_run);
  if (json) {
    say_json({{"dry_run", dry_run},
              {"taken", counts.taken},
              {"known_already", counts.known},
              {"other_version", counts.other_version},
              {"no_such_file", counts.no_file}});
    return kSuccess;
  }
  say(
      fmt::format("{}digests of {} files taken over; {} had some already, {} are of another "
                  "version, {} of no file of the source",
                  dry_run ? "nothing is changed; " : "", grouped(counts.taken),
                  grouped(counts.known), grouped(counts.other_version), grouped(counts.no_file)));
  return kSuccess;
}

}  // namespace mirror::mb
