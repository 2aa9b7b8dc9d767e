// Tests lib/db/merge/changes.cc, what merges note of the files that they change, and
// lib/db/merge/folders.cc, what cohorts new files begin with.
#include "db/merge/changes.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <optional>

#include "db/feed.h"
#include "db/hash/known_hashes.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

const MergeOptions kForce{.force = true};

class ChangesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ChangesTest);
  CPPUNIT_TEST(everyMergeNotesWhatItChanged);
  CPPUNIT_TEST(tooMuchIsNotNoted);
  CPPUNIT_TEST(aMergeWithoutNotesHasAllRead);
  CPPUNIT_TEST(anUnknownRevisionHasAllRead);
  CPPUNIT_TEST(oldNotesAreForgotten);
  CPPUNIT_TEST(oldRevisionsAreForgottenFromTheOldestOn);
  CPPUNIT_TEST(largeFoldersGetCohortsOfTheirOwn);
  CPPUNIT_TEST(aFolderOfManySmallOnesIsOne);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    connection_.emplace(database_.connect());
    add_mirror(c(), "one");
  }

  void everyMergeNotesWhatItChanged() {
    Tree tree = files("f", 30);
    scan_source(c(), tree);
    std::int64_t before = rev();
    scan_mirror(c(), "one", files("f", 27));
    expect_changed(before, 3);
    before = rev();
    tree[0].size += 1, tree.pop_back(), tree.push_back({.path = "g"});
    scan_source(c(), tree, kForce);
    expect_changed(before, 3);
    before = rev();
    for (HashTarget& target : list_hash_targets(c(), "f1", "", HashKinds(), 10)) {
      HashResult result;
      result.file_id = target.file_id, result.version_rev = target.version_rev;
      result.size_bytes = target.size_bytes, result.mtime_s = target.mtime_s;
      result.hashes.sha256 = std::string(32, 'x');
      store_hashes(c(), {result});
    }
    expect_changed(before, 1);
    before = rev();
    delete_mirror(c(), find_mirror(c(), "one")->mirror.id);
    expect_changed(before, 0);
    const auto moved = join_cohorts(c(), 1000);
    CPPUNIT_ASSERT(moved > 0);
    expect_changed(before, moved);
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c()));
  }

  void tooMuchIsNotNoted() {
    scan_source(c(), files("f", 1100));
    const std::int64_t before = rev();
    Tree tree = files("f", 1100);
    for (Entry& entry : tree) entry.mtime += 1;
    scan_source(c(), tree, kForce);
    CPPUNIT_ASSERT(!noted(before));
    const std::int64_t between = rev();
    tree[7].size += 1;
    scan_source(c(), tree, kForce);
    expect_changed(between, 1);
    CPPUNIT_ASSERT(!noted(before));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1100}, changed(before));
  }

  void aMergeWithoutNotesHasAllRead() {
    scan_source(c(), files("f", 20));
    const std::int64_t before = rev();
    c().script(
        "INSERT INTO revision (rev) VALUES (nextval('revision_seq'));"
        "UPDATE file SET rev = (SELECT max(rev) FROM revision) WHERE path = 'f3'");
    scan_mirror(c(), "one", files("f", 18));
    CPPUNIT_ASSERT(!noted(before));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, changed(before));
  }

  void anUnknownRevisionHasAllRead() {
    scan_source(c(), files("f", 20));
    const std::int64_t before = rev();
    scan_mirror(c(), "one", files("f", 18));
    CPPUNIT_ASSERT(noted(before));
    c().run("DELETE FROM revision WHERE rev = $1", Params().int8(before));
    CPPUNIT_ASSERT(!noted(before));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, changed(before));
  }

  void oldNotesAreForgotten() {
    Tree tree = files("f", 300);
    scan_source(c(), tree);
    const std::int64_t before = rev();
    std::int64_t last = 0;
    for (int i = 0; i < 14; ++i) {
      last = rev();
      for (int n = 0; n < 100; ++n) tree[static_cast<std::size_t>(n)].mtime += 1;
      scan_source(c(), tree, kForce);
    }
    CPPUNIT_ASSERT(!noted(before));
    CPPUNIT_ASSERT_EQUAL(std::size_t{100}, changed(before));
    expect_changed(last, 100);
    CPPUNIT_ASSERT(std::stoll(value(c(), "SELECT sum(cardinality(files)) FROM change")) <= 1100);
    // Those without files weigh something too.
    for (int i = 0; i < 30; ++i)
      c().script("INSERT INTO change SELECT max(rev), max(upto) + 100, '{}' FROM change");
    scan_mirror(c(), "one", files("f", 290));
    CPPUNIT_ASSERT(std::stoll(value(c(), "SELECT count(*) FROM change")) <= 12);
  }

  // Whatever the clock said at their beginnings: a revision that is there vouches for all that
  // follow.
  void oldRevisionsAreForgottenFromTheOldestOn() {
    Tree tree = files("f", 10);
    for (int i = 0; i < 5; ++i) {
      tree[0].mtime += 1;
      scan_source(c(), tree, kForce);
    }
    c().script("UPDATE revision SET at = at - interval '61 days' WHERE rev IN (1, 4)");
    tree[0].mtime += 1;
    scan_source(c(), tree, kForce);
    CPPUNIT_ASSERT_EQUAL(
        std::string("4 5 6"),
        value(c(), "SELECT string_agg(rev::text, ' ' ORDER BY rev) FROM revision"));
  }

  void largeFoldersGetCohortsOfTheirOwn() {
    Tree tree;
    for (const auto& [folder, count] :
         {std::pair("a/b/c/", 300), {"a/b/d/e/", 300}, {"a/f/", 50}, {"", 20}}) {
      for (Entry& entry : files(folder, count)) tree.push_back(entry);
    }
    for (Entry& entry : files("a/b/d/staged", 300))
      tree.push_back(entry), tree.back().staged = true;
    scan_source(c(), tree);
    CPPUNIT_ASSERT_EQUAL(std::string("70 300 300"),
                         value(c(),
                               "SELECT string_agg(n_files::text, ' ' ORDER BY n_files) FROM cohort "
                               "WHERE mirrors = '{}'"));
    CPPUNIT_ASSERT_EQUAL(std::string("2"),
                         value(c(),
                               "SELECT count(DISTINCT cohort_id) FROM file WHERE path >= 'a/b/' "
                               "AND path < 'a/b0' AND NOT staged"));
    const std::int64_t before = rev();
    Tree without;
    for (const Entry& entry : tree) {
      if (!entry.path.starts_with("a/b/d/")) without.push_back(entry);
    }
    scan_mirror(c(), "one", without);
    expect_changed(before, 0);
    CPPUNIT_ASSERT_EQUAL(std::string("one"), mirrors_of(c(), "a/b/c/299"));
    CPPUNIT_ASSERT_EQUAL(std::string(), mirrors_of(c(), "a/b/d/e/299"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{70}, join_cohorts(c(), 1000));
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c()));
    // One more begins where others are that no mirror has.
    tree.push_back({.path = "a/b/c/new"}), without.push_back(tree.back());
    scan_source(c(), tree, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string("2"), value(c(), "SELECT count(*) FROM cohort"));
    scan_mirror(c(), "one", without);
    CPPUNIT_ASSERT_EQUAL(std::string("one"), mirrors_of(c(), "a/b/c/new"));
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c()));
  }

  void aFolderOfManySmallOnesIsOne() {
    Tree tree = files("b/", 100);
    for (int i = 0; i < 30; ++i) {
      for (Entry& entry : files(fmt::format("a/b/{}/", i), 10)) tree.push_back(entry);
      for (Entry& entry : files(fmt::format("{}/x/y/", i), 10)) tree.push_back(entry);
    }
    scan_source(c(), tree);
    CPPUNIT_ASSERT_EQUAL(
        std::string("300 400"),
        value(c(), "SELECT string_agg(n_files::text, ' ' ORDER BY n_files) FROM cohort"));
    CPPUNIT_ASSERT_EQUAL(
        std::string("1"),
        value(c(),
              "SELECT count(DISTINCT cohort_id) FROM file WHERE path >= 'a/' AND path < 'a0'"));
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c()));
  }

 private:
  Connection& c() { return *connection_; }
  std::int64_t rev() { return c().run("SELECT max(rev) FROM revision").int8(0, 0); }
  bool noted(std::int64_t since) {
    return changed_above(c(), since).find("change") != std::string::npos;
  }
  std::size_t changed(std::int64_t since) {
    FeedSnapshot snapshot(c());
    std::size_t count = 0;
    snapshot.each_file_above(since, HashParts::digests,
                             [&](const std::vector<FeedFile>& page) { count += page.size(); });
    return count;
  }
  void expect_changed(std::int64_t since, std::int64_t count) {
    CPPUNIT_ASSERT(noted(since));
    CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(count), changed(since));
    CPPUNIT_ASSERT_EQUAL(
        std::to_string(count),
        value(c(), fmt::format("SELECT count(*) FROM file f LEFT JOIN hash h ON file_id = id "
                               "WHERE greatest(f.rev, h.rev) > {}",
                               since)));
  }

  TestDatabase database_;
  std::optional<Connection> connection_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ChangesTest);

}  // namespace
}  // namespace mirror::db::test
