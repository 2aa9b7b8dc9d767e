// Reading a catalog: one consistent state from begin() to end(). Nothing is copied: what find()
// returns points into the memory-mapped file and is valid until end(). A Reader belongs to one
// thread at a time and holds a reader slot for its life. Nothing that the file holds is trusted; a
// damaged record is an Error with corrupt().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/codec.h"
#include "catalog/crashes.h"
#include "catalog/environment.h"
#include "core/group_rule.h"

namespace mirror::catalog {

struct CatalogFile {
  Found found = Found::absent;
  File file;  // for Found::file; path is the real one: links, also in prefixes, are followed
  bool gone = false;           // from the source; it is in its grace time
  std::vector<MirrorId> room;  // what file.mirrors shows of a mutable group
  FileHashes hashes;
  bool hashes_complete =
      true;  // all that was asked for and is known is in `hashes`; else only sha256 and what exists
};

class Reader {
 public:
  explicit Reader(Environment& environment);

  void begin();  // throws Error
  void end() noexcept;

  const Meta& meta() const { return meta_; }
  const std::shared_ptr<const MirrorTable>& mirrors() const { return mirrors_; }

  // Throws Error when a table shows none of its records: where garbage hides them, all of its files
  // would be absent.
  void probe();

  // Gone files are there until their grace time ends; `now_s` is Unix time.
  void find(std::string_view path, std::int64_t now_s, HashParts parts,
            CatalogFile& found);  // into an empty one
  CatalogFile find(std::string_view path, std::int64_t now_s, HashParts parts) {
    CatalogFile found;
    find(path, now_s, parts, found);
    return found;
  }

  // zsync's sums of the file of that real path (CatalogFile::file), valid until end(); "" when they
  // are not kept, or no longer those of a file with this SHA-1.
  std::string_view zsync_sums(std::string_view path, std::string_view sha1);

  // For tools: every file and link in order of keys, which is that of paths but for long ones.
  // False from the callback ends it.
  using Visit = std::function<bool(const FeedFile&)>;
  void each_file(const Visit& visit);
  void each_link(const Visit& visit);
  void each_cohort(const std::function<bool(std::int64_t id, const CohortRecord& cohort)>& visit);
  std::optional<FeedFile> stored_file(std::string_view path);
  std::optional<FeedFile> stored_link(std::string_view path);
  std::optional<CohortRecord> cohort(std::int64_t id) const;
  // Records.
  std::size_t files() const { return count(environment_.files()); }
  std::size_t links() const { return count(environment_.links()); }
  std::size_t cohorts() const { return count(environment_.cohorts()); }
  std::size_t groups() const { return count(environment_.groups()); }
  std::size_t count(MDB_dbi table) const;
  // Who has all members of the mutable group of that folder; nullopt: it is none.
  std::optional<MirrorSet> group(std::string_view folder);
  // The former versions of its anchors; {} for what is no group.
  std::vector<FormerVersion> former_versions(std::string_view folder);
  void each_group(const std::function<bool(std::string_view folder, const MirrorSet& mirrors,
                                           const std::vector<FormerVersion>& former)>& visit);
  void check_undisturbed() const { environment_.check_undisturbed(mdb_txn_id(txn_.get())); }

 private:
  std::optional<std::size_t> renew();  // the state's number, where it is sure
  std::optional<std::string_view> get(MDB_dbi table, std::string_view key) const;
  std::optional<FileRecord> file_record(std::string_view path);
  std::optional<LinkRecord> link_record(std::string_view path);
  bool shown(const std::optional<std::int64_t>& gone_s, std::int64_t now_s) const;
  std::optional<std::string> through_prefix(std::string_view path, std::int64_t now_s);
  bool hides(MDB_dbi table) const;  // all of its records
  bool is_directory(const std::string& path);
  bool has_below(MDB_dbi table, const std::string& folder);
  std::optional<GroupRecord> group_record(std::string_view folder);
  std::optional<GroupView> group_around(std::string_view path);
  void take_former_versions(File& file);
  void fill(CatalogFile& found, const FileRecord& record, HashParts parts);
  // As far as they are kept.
  void read_hashes(std::string_view key, const FileRecord& record, HashParts parts,
                   FileHashes& hashes) const;
  FeedFile feed_file(std::string_view key, const FileRecord& record) const;
  void read_texts();
  [[noreturn]] void damaged(const char* what) const;

  Environment& environment_;
  TransactionHandle txn_;
  std::optional<InUse> in_use_;      // from begin() to end(), which one thread calls
  std::optional<std::size_t> seen_;  // the state that meta_ and mirrors_ are of, by its number
  bool has_links_ = false, has_groups_ = false;
  Meta meta_;
  std::shared_ptr<const MirrorTable> mirrors_;
  std::string key_room_;
};

// A reader in its read transaction, given back on destruction. Keeps its environment alive.
class Snapshot {
 public:
  explicit Snapshot(std::shared_ptr<Environment> environment);  // throws Error
  Snapshot(Snapshot&&) noexcept = default;
  Snapshot& operator=(Snapshot&&) = delete;
  ~Snapshot();
  Reader& operator*() const { return *reader_; }
  Reader* operator->() const { return reader_.get(); }

 private:
  std::shared_ptr<Environment> environment_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace mirror::catalog
