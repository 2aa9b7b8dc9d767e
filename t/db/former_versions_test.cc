// Tests lib/db/former_versions.cc: rows that no merge writes are left out and named, and keep
// nobody from reading the others.
#include "db/former_versions.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <optional>

#include "db/feed.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

const std::string kAnchor = "r/repodata/repomd.xml";

class FormerVersionsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FormerVersionsTest);
  CPPUNIT_TEST(whatNoMergeWritesIsLeftOutAndNamed);
  CPPUNIT_TEST(mirrorsAreInOrderAndEachIsThereOnce);
  CPPUNIT_TEST(ofManyTheNewestFiveAreRead);
  CPPUNIT_TEST(whatIsReplacedInTheFutureIsNotRead);
  CPPUNIT_TEST_SUITE_END();

 public:
  // The schema's constraints are gone: a later program's may let in more.
  void setUp() override {
    database_.emplace();
    connection_.emplace(database_->connect());
    c().script(
        "DO $$ DECLARE c name; BEGIN FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = "
        "'anchor_version'::regclass AND contype = 'c' LOOP EXECUTE format('ALTER TABLE "
        "anchor_version DROP CONSTRAINT %I', c); END LOOP; END $$; "
        "INSERT INTO mutable_group (folder, anchored, rev) VALUES ('r/repodata', true, 1)");
    add(1, "interval '1 hour'");
  }
  void tearDown() override {
    connection_.reset();
    database_.reset();
  }

  void whatNoMergeWritesIsLeftOutAndNamed() {
    for (const char* change :
         {"md5 = 'short'", "sha1 = sha1 || 'x'", "sha256 = ''", "sha512 = repeat('x', 65)::bytea",
          "md5 = NULL, sha1 = NULL, sha256 = NULL, sha512 = NULL", "size = -1",
          "mirrors = '{{1,2},{3,4}}'", "mirrors = '{1,NULL}'"}) {
      add(2, "interval '2 hours'");
      c().script(fmt::format("UPDATE anchor_version SET {} WHERE version_rev = 2", change));
      expect(change, "1", 1);
      c().script("DELETE FROM anchor_version WHERE version_rev = 2");
    }
    for (const char* path : {"../x", "r/repodata/", "r/repodata/a/repomd.xml", "r/repomd.xml"}) {
      add(2, "interval '2 hours'");
      c().run("UPDATE anchor_version SET path = $1 WHERE version_rev = 2", Params().bytes(path));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(path, std::string("1"), told(path));
      c().script("DELETE FROM anchor_version WHERE version_rev = 2");
    }
  }

  void mirrorsAreInOrderAndEachIsThereOnce() {
    c().script("UPDATE anchor_version SET mirrors = '{5,-1,2,5,0,-32768,2}'");
    CPPUNIT_ASSERT(load_former_versions(c(), kAnchor).at(0).mirrors ==
                   (std::vector<MirrorId>{2, 5}));
  }

  void ofManyTheNewestFiveAreRead() {
    for (int version = 2; version <= 50; ++version)
      add(version, fmt::format("interval '{} seconds'", 3600 - version));
    expect("50 of them", "50 49 48 47 46", 0);
  }

  void whatIsReplacedInTheFutureIsNotRead() {
    add(2, "interval '-10 minutes'");
    for (int version = 3; version <= 9; ++version)
      add(version, fmt::format("interval '-{} years'", version));
    expect("years ahead", "2 1", 0);
  }

 private:
  Connection& c() { return *connection_; }
  void add(int version, const std::string& age) {
    c().run(fmt::format("INSERT INTO anchor_version (path, version_rev, folder, size, mtime, "
                        "replaced_at, sha1, sha256, mirrors, whole_rev) VALUES ($1, $2, "
                        "'r/repodata', $2, 1000, now() - {}, repeat('x', 20)::bytea, repeat('y', "
                        "32)::bytea, '{{1}}', 1)",
                        age),
            Params().bytes(kAnchor).int8(version));
  }
  // The sizes, as a replica gets them.
  std::string told(const std::string& message) {
    FeedSnapshot snapshot(c());
    const auto groups = snapshot.groups_above(0);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(message, std::size_t{1}, groups.size());
    const std::string named = snapshot.unreadable().text();
    unreadable_ = named.empty() ? 0 : std::stoi(named);
    return sizes(groups[0].former);
  }
  static std::string sizes(const std::vector<FormerVersion>& versions) {
    std::string text;
    for (const FormerVersion& version : versions)
      text += (text.empty() ? "" : " ") + std::to_string(version.size_bytes);
    return text;
  }
  void expect(const std::string& message, const std::string& wanted, int unreadable) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(message, wanted, told(message));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(message, unreadable, unreadable_);
    UnreadableRows rows;
    CPPUNIT_ASSERT_EQUAL_MESSAGE(message, wanted, sizes(load_former_versions(c(), kAnchor, &rows)));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(message, unreadable == 0, rows.text().empty());
  }

  std::optional<TestDatabase> database_;
  std::optional<Connection> connection_;
  int unreadable_ = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(FormerVersionsTest);

}  // namespace
}  // namespace mirror::db::test
