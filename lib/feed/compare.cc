#include "feed/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "catalog/codec.h"
#include "catalog/ship.h"
#include "db/lookup.h"

namespace mirror {
namespace {

using catalog::Reader;
using Cohort = db::FeedSnapshot::Cohort;

constexpr std::size_t kPathsPerQuestion = 1000;

// What differs, as "size 5, not 6; sha256": the catalog's values come first.
class Differences {
 public:
  template <class Value>
  void value(const char* name, const Value& ours, const Value& theirs) {
    if (ours != theirs) add(fmt::format("{} {}, not {}", name, ours, theirs));
  }
  void content(const char* name, const std::string& ours, const std::string& theirs) {
    if (ours != theirs) add(name);
  }
  void add(const std::string& difference) { text_ += (text_.empty() ? "" : "; ") + difference; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string gone_text(const std::optional<std::int64_t>& gone_s) {
  return gone_s ? fmt::format("since {}", *gone_s) : "no";
}

void compare_hashes(const FileHashes& ours, const FileHashes& theirs, Differences& differences) {
  static constexpr std::pair<const char*, std::string FileHashes::*> kTexts[] = {
      {"md5", &FileHashes::md5},
      {"sha1", &FileHashes::sha1},
      {"sha512", &FileHashes::sha512},
      {"btih", &FileHashes::btih},
      {"btih of v1", &FileHashes::btih_v1},
      {"btmh", &FileHashes::btmh},
      {"pieces", &FileHashes::sha1_pieces},
      {"root of the pieces", &FileHashes::pieces_root},
      {"layer of pieces", &FileHashes::piece_layer},
      {"signature", &FileHashes::signature}};
  for (const auto& [name, member] : kTexts) differences.content(name, ours.*member, theirs.*member);
  differences.value("bytes of a piece", ours.piece_bytes, theirs.piece_bytes);
  const ZsyncSums &a = ours.zsync, &b = theirs.zsync;
  if (a.block_bytes != b.block_bytes || a.seq_matches != b.seq_matches ||
      a.rsum_bytes != b.rsum_bytes || a.md4_bytes != b.md4_bytes || a.sums != b.sums) {
    differences.add("zsync");
  }
}

std::string compare_files(const FeedFile& ours, const FeedFile& theirs, bool with_hashes) {
  Differences differences;
  differences.value("gone", gone_text(ours.gone_s), gone_text(theirs.gone_s));
  if (theirs.link_target) {
    differences.content("target", ours.link_target.value_or(""), *theirs.link_target);
    return differences.text();
  }
  differences.value("size", ours.size_bytes, theirs.size_bytes);
  differences.value("mtime", ours.mtime_s, theirs.mtime_s);
  differences.value("cohort", ours.cohort_id, theirs.cohort_id);
  differences.value("pending", ours.pending, theirs.pending);
  const FileHashes &a = ours.hashes, &b = theirs.hashes;
  differences.content("sha256", a.sha256, b.sha256);
  differences.value("torrent", a.has_btih(), b.has_btih());
  differences.value("torrent of v1", a.has_btih_v1(), b.has_btih_v1());
  if (a.signature_kind != b.signature_kind) differences.add("kind of signature");
  if (with_hashes) compare_hashes(a, b, differences);
  return differences.text();
}

std::string compare_mirrors(const Mirror& ours, const Mirror& theirs) {
  const auto fields = [](const Mirror& mirror) {
    return nlohmann::json::parse(catalog::encode_mirrors({mirror})).at(0);
  };
  const nlohmann::json a = fields(ours), b = fields(theirs);
  Differences differences;
  for (const auto& [name, value] : b.items()) {
    differences.value(name.c_str(), a.value(name, nlohmann::json()).dump(), value.dump());
  }
  for (const auto& [name, value] : a.items()) {
    if (!b.contains(name)) differences.value(name.c_str(), value.dump(), std::string("null"));
  }
  return differences.text();
}

class Comparer {
 public:
  Comparer(db::FeedSnapshot& snapshot, db::Connection& connection, Reader& reader,
           const TellDifference& tell)
      : snapshot_(snapshot),
        connection_(connection),
        reader_(reader),
        tell_(tell),
        meta_(reader.meta()) {}

  Comparison run() {
    const db::FeedState& state = snapshot_.state();
    if (!snapshot_.knows(meta_.rev, meta_.token)) {
      found("catalog", "",
            "this database does not have its revision: the catalog is of another database or of a "
            "later state of "
            "it");
      return result_;
    }
    result_.behind = state.rev != meta_.rev || state.token != meta_.token;
    result_.mirrors_behind = db::mirrors_rev(connection_) != meta_.mirrors_rev;
    until_ = result_.behind ? meta_.rev : std::numeric_limits<std::int64_t>::max();
    if (!result_.behind && state.grace_s != meta_.grace_s) {
      found("catalog", "",
            fmt::format("gone files are redirected for {} s, not {} s", meta_.grace_s,
                        state.grace_s));
    }
    compare_all_mirrors();
    snapshot_.each_cohort_above(-1, [&](const std::vector<Cohort>& page) {
      for (const Cohort& cohort : page) compare_cohort(cohort);
    });
    compare_groups();
    snapshot_.each_file_until(until_, meta_.hashes ? HashParts::all : HashParts::redirect,
                              [&](const std::vector<FeedFile>& page) {
                                for (const FeedFile& file : page) compare_file(file);
                              });
    if (reader_.files() != files_found_) find_others(false);
    if (reader_.links() != links_found_) find_others(true);
    return result_;
  }

 private:
  void found(const std::string& kind, const std::string& name, const std::string& difference) {
    ++result_.differences;
    tell_(kind, name, difference);
  }

  void compare_all_mirrors() {
    const auto table = db::load_mirrors(connection_);
    for (const Mirror& mirror : table->all()) {
      if (catalog::useful_in(mirror, meta_.region)) useful_.push_back(mirror.id);
    }
    if (result_.mirrors_behind) return;
    const MirrorTable& ours = *reader_.mirrors();
    if (!(ours.rules() == table->rules())) found("rules", "", "other rules for paths");
    if (ours.pause() != table->pause())
      found("pause", "",
            ours.pause() ? "redirects are not paused so in the database"
                         : "redirects are paused in the database only");
    for (const MirrorId id : useful_) {
      const Mirror& mirror = *table->find(id);
      ++result_.mirrors;
      const Mirror* known = ours.find(id);
      const std::string difference =
          known == nullptr ? "only in the database" : compare_mirrors(*known, mirror);
      if (!difference.empty()) found("mirror", mirror.identifier, difference);
    }
    for (const Mirror& mirror : ours.all()) {
      if (!is_useful(mirror.id)) found("mirror", mirror.identifier, "only in the catalog");
    }
  }

  void compare_groups() {
    for (const auto& group : snapshot_.groups_above(-1)) {
      if (group.rev > until_) continue;
      const auto ours = reader_.group(group.folder);
      if (ours.has_value() != group.anchored)
        found("group", group.folder, ours ? "only in the catalog" : "only in the database");
      else if (ours && ours->ids() != group.mirrors)
        found("group", group.folder, "other mirrors have all of its members");
      else if (ours && reader_.former_versions(group.folder) != group.former)
        found("group", group.folder, "other former versions of its anchors");
    }
  }

  bool is_useful(MirrorId id) const {
    return std::binary_search(useful_.begin(), useful_.end(), id);
  }

  // If the catalog lacks a cohort, the comparison of its files says so, if it has files.
  void compare_cohort(const Cohort& cohort) {
    const auto ours = reader_.cohort(cohort.id);
    if (!ours || cohort.rev > until_) return;
    ++result_.cohorts;
    std::vector<MirrorId> theirs = cohort.mirrors;
    if (meta_.region != Region::unknown) {
      std::erase_if(theirs, [&](MirrorId id) { return !is_useful(id); });
    }
    const std::string name = std::to_string(cohort.id);
    if (const std::vector<MirrorId> mirrors = ours->mirrors.ids(); mirrors != theirs) {
      found("cohort", name,
            fmt::format("mirrors {}, not {}", fmt::join(mirrors, " "), fmt::join(theirs, " ")));
    }
    if (!result_.behind && ours->files != cohort.files) {
      found("cohort", name, fmt::format("{} files, not {}", ours->files, cohort.files));
    }
  }

  void compare_file(const FeedFile& file) {
    const bool is_link = file.link_target.has_value();
    const char* kind = is_link ? "link" : "file";
    ++(is_link ? result_.links : result_.files);
    const auto ours = is_link ? reader_.stored_link(file.path) : reader_.stored_file(file.path);
    if (!ours) return found(kind, file.path, "only in the database");
    ++(is_link ? links_found_ : files_found_);
    const std::string difference = compare_files(*ours, file, meta_.hashes);
    if (!difference.empty()) found(kind, file.path, difference);
    if (!is_link && !reader_.cohort(ours->cohort_id))
      found(kind, file.path, "the catalog lacks its cohort");
  }

  // What the catalog has and the database has not.
  void find_others(bool links) {
    std::vector<std::string> paths;
    const auto ask = [&] {
      for (const std::string& path : snapshot_.without(paths, links, until_)) {
        found(links ? "link" : "file", path, "only in the catalog");
      }
      paths.clear();
    };
    const auto gather = [&](const FeedFile& file) {
      paths.push_back(file.path);
      if (paths.size() == kPathsPerQuestion) ask();
      return true;
    };
    links ? reader_.each_link(gather) : reader_.each_file(gather);
    ask();
  }

  db::FeedSnapshot& snapshot_;
  db::Connection& connection_;
  Reader& reader_;
  const TellDifference& tell_;
  const catalog::Meta meta_;
  Comparison result_;
  std::int64_t until_ = 0;
  std::size_t files_found_ = 0, links_found_ = 0;
  std::vector<MirrorId> useful_;  // of the database's, in order
};

}  // namespace

Comparison compare(db::FeedSnapshot& snapshot, db::Connection& connection, Reader& reader,
                   const TellDifference& tell) {
  return Comparer(snapshot, connection, reader, tell).run();
}

}  // namespace mirror
