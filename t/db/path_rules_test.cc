// Tests lib/db/path_rules.cc, and what rules for paths change in merges and lookups.
#include "db/path_rules.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <optional>
#include <random>

#include "db/lookup.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

class PathRulesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PathRulesTest);
  CPPUNIT_TEST(theDatabaseFitsPatternsAsWeDo);
  CPPUNIT_TEST(onlyOtherRulesAreWrittenAndHeardOf);
  CPPUNIT_TEST(rolesReadAndTheScannerWritesThem);
  CPPUNIT_TEST(ofAnImmutableFileTheSizeAloneCounts);
  CPPUNIT_TEST(anOldFileOfAMirrorWithoutTimesCounts);
  CPPUNIT_TEST(otherRulesLetTheSameListingSayMore);
  CPPUNIT_TEST_SUITE_END();

 public:
  void theDatabaseFitsPatternsAsWeDo() {
    const std::vector<std::string> globs = {"*.rpm",      "/a",     "pool/**", "a/**/b", "a**b",
                                            "by-hash/**", "x?y",    "\xff*",   "/*/b",   "**b?",
                                            "a/*/**",     "*/a*b*", "**",      "b"};
    std::mt19937 random(3);
    std::vector<std::string> paths = {"x.rpm", "a/x.rpm", "a\nb", "\xff\xfe", "pool/x", "x\\y"};
    for (int i = 0; i < 3000; ++i) {
      std::string path;
      for (int n = static_cast<int>(random() % 8) + 1; n > 0; --n)
        path += std::string_view("ab/x.\n\xff\\")[random() % 8];
      paths.push_back(path);
    }
    for (const std::string& glob : globs) {
      const PathRules rules({glob});
      const Result fits = c().run("SELECT encode(p, 'hex') ~ $2 FROM unnest($1) AS p",
                                  Params().bytes_array(paths).text(rules.immutable_hex_regex()));
      for (std::size_t i = 0; i < paths.size(); ++i)
        CPPUNIT_ASSERT_EQUAL_MESSAGE(glob + " " + paths[i], rules.is_immutable(paths[i]),
                                     fits.boolean(static_cast<int>(i), 0));
    }
  }

  void onlyOtherRulesAreWrittenAndHeardOf() {
    const auto rev = [&] { return value(c(), "SELECT rev FROM mirror_rev"); };
    const PathRules rules({"pool/**", "*.rpm"}), others({"*.rpm", "pool/**"});
    const std::string before = rev();
    CPPUNIT_ASSERT(!store_path_rules(c(), PathRules()) && rev() == before);
    CPPUNIT_ASSERT(store_path_rules(c(), rules) && rev() != before);
    const std::string written = rev();
    CPPUNIT_ASSERT(!store_path_rules(c(), rules) && rev() == written);
    CPPUNIT_ASSERT(load_path_rules(c()) == rules && load_mirrors(c())->rules() == rules);
    CPPUNIT_ASSERT(store_path_rules(c(), others) && load_path_rules(c()) == others);
    CPPUNIT_ASSERT(store_path_rules(c(), PathRules()) && load_mirrors(c())->rules() == PathRules());
  }

  void rolesReadAndTheScannerWritesThem() {
    Connection scanner = database_->connect("mirror_scanner");
    Connection httpd = database_->connect("mirror_httpd");
    const PathRules rules({"*.rpm"});
    CPPUNIT_ASSERT(store_path_rules(scanner, rules));
    CPPUNIT_ASSERT(load_mirrors(httpd)->rules() == rules);
    CPPUNIT_ASSERT_THROW(store_path_rules(httpd, PathRules()), Error);
  }

  void ofAnImmutableFileTheSizeAloneCounts() {
    Tree tree = files("dir/f", 20);
    tree.push_back({"pool/a.rpm", 7, 1000});
    tree.push_back({"pool/a.txt", 7, 1000});
    scan_source(c(), tree);
    tree[20].mtime = tree[21].mtime = 5000;
    store_path_rules(c(), PathRules({"*.rpm"}));
    const MergeReport report = scan_mirror(c(), "one", tree);
    CPPUNIT_ASSERT_EQUAL(std::string("one"), mirrors_of(c(), "pool/a.rpm"));
    CPPUNIT_ASSERT_EQUAL(std::string(), mirrors_of(c(), "pool/a.txt"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.counts.outdated);
    tree[20].size = 8;
    scan_mirror(c(), "one", tree);
    CPPUNIT_ASSERT_EQUAL(std::string(), mirrors_of(c(), "pool/a.rpm"));
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c()));
  }

  // Times from before the source's are of an older version, but not of an immutable file.
  void anOldFileOfAMirrorWithoutTimesCounts() {
    Tree tree = files("dir/f", 20);
    tree.push_back({"pool/a.rpm", 7, 1000});
    scan_source(c(), tree);
    for (Entry& entry : tree) entry.mtime = 3000;
    tree[0].mtime = tree[20].mtime = 500;
    store_path_rules(c(), PathRules({"pool/**"}));
    scan_mirror(c(), "one", tree);
    CPPUNIT_ASSERT_EQUAL(std::string("one"), mirrors_of(c(), "dir/f1"));
    CPPUNIT_ASSERT_EQUAL(std::string(), mirrors_of(c(), "dir/f0"));
    CPPUNIT_ASSERT_EQUAL(std::string("one"), mirrors_of(c(), "pool/a.rpm"));
  }

  void otherRulesLetTheSameListingSayMore() {
    Tree tree = files("dir/f", 20);
    tree.push_back({"pool/a.rpm", 7, 1000});
    scan_source(c(), tree);
    tree[20].mtime = 5000;
    for (int i = 0; i < 2; ++i) scan_mirror(c(), "one", tree);
    CPPUNIT_ASSERT_EQUAL(std::string(), mirrors_of(c(), "pool/a.rpm"));
    store_path_rules(c(), PathRules({"*.rpm"}));
    scan_mirror(c(), "one", tree);
    CPPUNIT_ASSERT_EQUAL(std::string("one"), mirrors_of(c(), "pool/a.rpm"));
    store_path_rules(c(), PathRules());
    scan_mirror(c(), "one", tree);
    CPPUNIT_ASSERT_EQUAL(std::string(), mirrors_of(c(), "pool/a.rpm"));
  }

  void setUp() override {
    database_.emplace();
    connection_.emplace(database_->connect());
    add_mirror(c(), "one");
  }
  void tearDown() override {
    connection_.reset();
    database_.reset();
  }

 private:
  Connection& c() { return *connection_; }

  std::optional<TestDatabase> database_;
  std::optional<Connection> connection_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(PathRulesTest);

}  // namespace
}  // namespace mirror::db::test
