// A fleet of mirrors of every kind, and a plain statement of who may serve whom, which knows
// nothing of how the database and ranking find the answer. Values; one thread.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/model.h"
#include "db/mirror/standing.h"
#include "t/db/database.h"

namespace mirror::db::test {

inline bool is_stale(DoubtKind kind) {
  return kind != DoubtKind::wrong && kind != DoubtKind::returning;
}

// By what its listings are made of.
enum class Kind {
  seconds,  // rsync
  minutes,  // directory indexes, LIST
  days,     // LIST of old files
  uploads,  // a bucket: times of uploads
  sums,     // the mirror's own report: content that is the source's
  head,     // some of the files are asked for, one by one
  complete  // has everything by definition: a sample is asked for
};
constexpr int kListingKinds = 7;

struct ModelMirror {
  Kind kind = Kind::seconds;
  bool enabled = true, http = true, https = false, ipv4 = true, ipv6 = false;
  std::set<DoubtKind> doubts;
  std::set<std::string> down;  // ways, as their rows name them
  std::set<std::string> files;
};

class Model {
 public:
  explicit Model(unsigned seed) : random_(seed) {}
  int roll(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }

  // Who may serve this client, by name.
  std::set<std::string> may_serve(const std::string& path, bool https, Family family) const {
    std::set<std::string> names;
    for (const auto& [name, mirror] : mirrors) {
      if (has(mirror, path) && mirror.enabled && is_believed(mirror, path) &&
          is_reached(mirror, https, family))
        names.insert(name);
    }
    return names;
  }

  // What a full listing shows a mirror to have: the present version of a file. Only times tell it
  // from an earlier one of the same size; those of uploads do not. What never changes has no other
  // version, and what the mirror had is no news.
  bool shows(const ModelMirror& mirror, const std::string& path) const {
    if (mirror.kind != Kind::uploads || path.starts_with("pool/") || mirror.files.contains(path))
      return true;
    const auto before = earlier.find(path);
    return before == earlier.end() ||
           std::none_of(before->second.begin(), before->second.end(),
                        [&](const Entry& version) { return version.size == source.at(path).size; });
  }

  std::map<std::string, Entry> source;
  std::map<std::string, std::vector<Entry>> earlier;  // versions, the oldest first
  std::map<std::string, ModelMirror> mirrors;

 private:
  bool has(const ModelMirror& mirror, const std::string& path) const {
    if (path == "g/anchor") return false;  // the origin's alone
    if (!path.starts_with("g/") || !source.contains("g/anchor")) return mirror.files.contains(path);
    for (const auto& [other, entry] : source) {
      if (other.starts_with("g/") && other != "g/anchor" && !mirror.files.contains(other))
        return false;
    }
    return true;
  }
  static bool is_believed(const ModelMirror& mirror, const std::string& path) {
    for (const DoubtKind kind : mirror.doubts) {
      if (!is_stale(kind) || !path.starts_with("pool/")) return false;
    }
    return true;
  }
  static bool is_reached(const ModelMirror& mirror, bool https, Family family) {
    std::string over = family == Family::ipv6 ? "ipv6" : "ipv4";
    if (over == "ipv4" && !mirror.ipv4) return false;
    if (over == "ipv6" && !mirror.ipv6 && mirror.ipv4) over = "ipv4";  // by a translator
    const auto up = [&](const std::string& scheme) {
      return (scheme == "https" ? mirror.https : mirror.http) &&
             !mirror.down.contains(scheme + "/" + over);
    };
    return up("https") || (!https && up("http"));
  }

  std::mt19937 random_;
};

}  // namespace mirror::db::test
