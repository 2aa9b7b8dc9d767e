// Tests lib/db/merge/content_checks.h: the order and the bounds of what is to be compared; which
// files these are is earlier_versions_test.cc's.
#include "db/merge/content_checks.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include "db/hash/known_hashes.h"
#include "db/merge/merge.h"
#include "db/merge/one_file.h"
#include "db/probe/content_pieces.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

const MergeOptions kForce{.force = true};

class ContentChecksTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContentChecksTest);
  CPPUNIT_TEST(theNewestVersionsComeFirst);
  CPPUNIT_TEST(onePageGoesOnWhereTheLastOneEnded);
  CPPUNIT_TEST(nothingAtOrBelowTheRevisionIsRead);
  CPPUNIT_TEST(aPageThatOnlyReadsSaysThatThereIsMore);
  CPPUNIT_TEST(filesThatAMirrorDoesNotGetAreNotListed);
  CPPUNIT_TEST(hashesThatBecomeKnownAreNoticed);
  CPPUNIT_TEST(theIndexServesThePage);
  CPPUNIT_TEST(largeFilesAreFoundByTheirIndex);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    connection_.emplace(database_.connect());
    one_ = add_mirror(c(), "one");
    scan_source(c(), tree_);
    scan_mirror(c(), "one", tree_);
  }
  void tearDown() override {
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c()));
    connection_.reset();
  }

  void theNewestVersionsComeFirst() {
    look_alike({"f3"});
    look_alike({"f1", "f2"});
    look_alike({"f4"});
    CPPUNIT_ASSERT_EQUAL(std::string("f4 f2 f1 f3"), walk(10));
  }

  void onePageGoesOnWhereTheLastOneEnded() {
    for (int i = 0; i < 9; ++i) look_alike({fmt::format("f{}", i), fmt::format("f1{}", i)});
    const std::string all = walk(100);
    for (const int limit : {1, 2, 5, 18}) CPPUNIT_ASSERT_EQUAL(all, walk(limit));
    CPPUNIT_ASSERT(!list(newest(), 0, 19).more);
  }

  void nothingAtOrBelowTheRevisionIsRead() {
    look_alike({"f1"});
    const std::int64_t before = newest_look_alike(c());
    look_alike({"f2"});
    const ContentChecks found = list(newest(), before, 10);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, found.checks.size());
    CPPUNIT_ASSERT_EQUAL(std::string("f2"), found.checks[0].path);
    CPPUNIT_ASSERT(list({before}, before, 10).checks.empty());
  }

  void aPageThatOnlyReadsSaysThatThereIsMore() {
    const Tree many = files("g", 2500);
    Tree all = many;
    scan_source(c(), all, kForce);
    std::vector<std::string> paths;
    for (const Entry& entry : many) paths.push_back(entry.path);
    look_alike(paths);
    c().script("DELETE FROM hash WHERE file_id <> (SELECT min(id) FROM file WHERE path LIKE 'g%')");
    const ContentChecks first = list(newest(), 0, 10);
    CPPUNIT_ASSERT(first.checks.empty() && first.more);
    CPPUNIT_ASSERT_EQUAL(
        value(c(), "SELECT convert_from(path, 'UTF8') FROM file JOIN hash ON file_id = id"),
        walk(10));
  }

  void filesThatAMirrorDoesNotGetAreNotListed() {
    look_alike({"f1"});
    c().script("UPDATE mirror SET file_maxsize = (SELECT size FROM file WHERE path = 'f1')");
    CPPUNIT_ASSERT_EQUAL(std::string("f1"), walk(10));
    c().script("UPDATE mirror SET file_maxsize = file_maxsize - 1");
    CPPUNIT_ASSERT_EQUAL(std::string(), walk(10));
  }

  void hashesThatBecomeKnownAreNoticed() {
    Tree tree = tree_;
    tree[1].mtime += 500;
    scan_source(c(), tree);
    const std::int64_t before = newest_rev(c());
    CPPUNIT_ASSERT(!hashed_since(c(), before).any());
    for (const char* const path : {"f1", "f2"}) {
      const HashTarget target = find_hash_targets(c(), std::vector<std::string>{path}, {}).at(0);
      HashResult result{target.file_id,
                        target.version_rev,
                        target.size_bytes,
                        target.mtime_s,
                        1,
                        std::nullopt,
                        {}};
      result.hashes.sha256.assign(32, 'x');
      store_hashes(c(), {result});
    }
    const HashedVersions hashed = hashed_since(c(), before);
    CPPUNIT_ASSERT_EQUAL(newest_look_alike(c()), hashed.newest_rev);  // f2 has no earlier version
    CPPUNIT_ASSERT_EQUAL(newest_look_alike(c()), hashed.oldest_rev);
    CPPUNIT_ASSERT_EQUAL(newest_rev(c()), hashed.upto_rev);
    CPPUNIT_ASSERT(!hashed_since(c(), hashed.upto_rev).any());
  }

  void theIndexServesThePage() {
    look_alike({"f1"});
    c().script("SET enable_seqscan = off; SET enable_bitmapscan = off");
    const std::int64_t before = index_scans("file_look_alike");
    walk(10);
    CPPUNIT_ASSERT(index_scans("file_look_alike") > before);
  }

  void largeFilesAreFoundByTheirIndex() {
    c().script("SET enable_seqscan = off; SET enable_bitmapscan = off");
    Tree large = files("f", 30);
    large[7].size = kLargeBytes + 1;
    large[8].size = kLargeBytes;
    scan_source(c(), large, kForce);
    scan_mirror(c(), "one", large, kForce);
    const std::int64_t before = index_scans("file_large");
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, large_file_ids(c()).size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, large_files(c(), one_).size());
    CPPUNIT_ASSERT(index_scans("file_large") >= before + 2);
  }

 private:
  // Another version of these files, of the same size and time, whose content is known.
  void look_alike(const std::vector<std::string>& paths) {
    c().script(
        "INSERT INTO revision (rev) VALUES (nextval('revision_seq')); UPDATE cohort SET rev = "
        "(SELECT max(rev) FROM revision)");
    c().run(
        "UPDATE file SET version_rev = (SELECT max(rev) FROM revision), rev = (SELECT max(rev) "
        "FROM revision), earlier_sizes = ARRAY[size], earlier_times = ARRAY[mtime] WHERE path = "
        "ANY ($1)",
        Params().bytes_array(paths));
    c().run(
        "INSERT INTO hash (file_id, version_rev, mtimes, sha256) SELECT id, version_rev, "
        "ARRAY[mtime], sha256('x') FROM file WHERE path = ANY ($1) ON CONFLICT (file_id) DO UPDATE "
        "SET version_rev = excluded.version_rev",
        Params().bytes_array(paths));
    const Result rows = c().run(
        "SELECT id, version_rev FROM file f WHERE path = ANY ($1) AND EXISTS (SELECT FROM "
        "cohort c WHERE c.id = f.cohort_id AND c.mirrors <> '{}')",
        Params().bytes_array(paths));
    std::vector<FileOnMirror> lost;
    for (int row = 0; row < rows.rows(); ++row)
      lost.push_back({one_, rows.int8(row, 0), rows.int8(row, 1)});
    withdraw_files(c(), lost);
    c().script("DELETE FROM change");
  }

  std::int64_t index_scans(const std::string& index) {
    c().run("SELECT pg_stat_force_next_flush()");
    return std::stoll(value(
        c(), "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '" + index + "'"));
  }
  VersionPlace newest() { return {newest_look_alike(c())}; }
  ContentChecks list(VersionPlace from, std::int64_t above_rev, std::int32_t limit) {
    return list_content_checks(c(), one_, from, above_rev, limit);
  }
  // All of them, page by page.
  std::string walk(std::int32_t limit) {
    std::string paths;
    ContentChecks page;
    page.next = newest();
    do {
      page = list(page.next, 0, limit);
      CPPUNIT_ASSERT(page.checks.size() <= static_cast<std::size_t>(limit));
      for (const ContentCheck& check : page.checks)
        paths += (paths.empty() ? "" : " ") + check.path;
    } while (page.more);
    return paths;
  }
  Connection& c() { return *connection_; }

  TestDatabase database_;
  std::optional<Connection> connection_;
  Tree tree_ = files("f", 30);
  MirrorId one_ = 0;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ContentChecksTest);

}  // namespace
}  // namespace mirror::db::test
