// Which of a mirror's files to compare next, of those that no listing can tell from an earlier
// version (db/merge/content_checks.h): from the newest version to the oldest, then again from the
// start after a while. Newer versions that appear meanwhile go first. Pure: a plain value that can
// be stored and made anew. No clock: times are Unix seconds that the caller gives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/merge/content_checks.h"
#include "db/probe/probe_memory.h"

namespace mirror::probe {

class ContentWalk {
 public:
  struct Span {
    db::VersionPlace from;       // what is behind this place
    std::int64_t above_rev = 0;  // and newer than this
  };

  ContentWalk() = default;
  // What cannot be one makes a walk that never began.
  explicit ContentWalk(const db::RememberedWalk& remembered);
  db::RememberedWalk remembered() const;

  // The newest version at the source that is to be compared. A walk that never began, that has
  // ended `again_s` ago or more, counted from when it began, or whose mirror shows another listing,
  // begins anew. `listing`: fingerprint of the mirror's last listing, "": not known.
  void look(std::int64_t newest_rev, const std::string& listing, std::int64_t now_s,
            std::int64_t again_s);
  // These versions are to be asked for again, as their digests were not known before.
  void again(std::int64_t oldest_rev, std::int64_t newest_rev);
  // Where to go on; nullopt: nothing is left for now.
  std::optional<Span> next() const;
  // Of next(), all before this place is done; nullopt: all of it.
  void done(std::optional<db::VersionPlace> upto);

 private:
  void add(const Span& span);

  std::vector<Span> spans_;  // what is to be done next last
  std::int64_t newest_rev_ = 0;
  std::optional<std::int64_t> began_s_;
  std::string listing_;
};

}  // namespace mirror::probe
