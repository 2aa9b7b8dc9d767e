// Tests lib/db/probe/probe_memory.h: what a prober remembers from one run to the next.
#include "db/probe/probe_memory.h"

#include <cppunit/extensions/HelperMacros.h>

#include "t/db/fixture.h"

namespace mirror::db::test {
namespace {

class ProbeMemoryTest : public DatabaseTest {
  CPPUNIT_TEST_SUITE(ProbeMemoryTest);
  CPPUNIT_TEST(whatWasRememberedIsReadAgain);
  CPPUNIT_TEST(oneHalfLeavesTheOtherAlone);
  CPPUNIT_TEST(whatSomebodyElseHasChangedIsNotReplaced);
  CPPUNIT_TEST(aMirrorThatIsGoneIsLeftOut);
  CPPUNIT_TEST(theLastGoodListingOfTheWholeCounts);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    DatabaseTest::setUp();
    one_ = add_mirror(owner(), "one");
    two_ = add_mirror(owner(), "two");
  }
  void whatWasRememberedIsReadAgain() {
    const std::map<MirrorId, RememberedFiles> files{
        {one_, {50, (std::uint64_t{1} << 49) | 5, 3, true, false}}, {two_, {1, 0, 1, false, true}}};
    remember_files(scanner(), files);
    CPPUNIT_ASSERT(read_remembered_files(scanner()) == files);
    const std::map<MirrorId, RememberedWalk> walks{
        {one_, {{7, 7, 12, 0}, 1'000'000, std::string("\0x", 2)}}, {two_, {{}, std::nullopt, ""}}};
    remember_walks(scanner(), walks);
    CPPUNIT_ASSERT(read_remembered_walks(scanner()) == walks);
  }

  void oneHalfLeavesTheOtherAlone() {
    const std::map<MirrorId, RememberedFiles> files{{one_, {2, 1, 0, false, false}}};
    const std::map<MirrorId, RememberedWalk> walks{{one_, {{7}, 1, "x"}}};
    remember_files(scanner(), files);
    remember_walks(scanner(), walks);
    CPPUNIT_ASSERT(read_remembered_files(scanner()) == files);
    remember_files(scanner(), {{one_, {3, 1, 1, false, false}}});
    CPPUNIT_ASSERT(read_remembered_walks(scanner()) == walks);
  }

  void whatSomebodyElseHasChangedIsNotReplaced() {
    const RememberedFiles old{5, 3, 0, false, true}, ours{6, 6, 1, true, true}, theirs{};
    CPPUNIT_ASSERT(replace_remembered_files(scanner(), {{one_, old}, {two_, old}}, {}).empty());
    remember_files(owner(), {{one_, theirs}});
    const std::map<MirrorId, RememberedFiles> known{{one_, old}, {two_, old}};
    const std::map<MirrorId, RememberedFiles> others{{one_, theirs}};
    CPPUNIT_ASSERT(replace_remembered_files(scanner(), {{one_, ours}, {two_, ours}}, known) ==
                   others);
    const std::map<MirrorId, RememberedFiles> now{{one_, theirs}, {two_, ours}};
    CPPUNIT_ASSERT(read_remembered_files(scanner()) == now);
    CPPUNIT_ASSERT(replace_remembered_files(scanner(), {{one_, ours}}, now).empty());
    CPPUNIT_ASSERT(replace_remembered_files(scanner(), {{MirrorId{77}, ours}}, {}).empty());
  }

  void aMirrorThatIsGoneIsLeftOut() {
    remember_files(scanner(), {{one_, {1, 1, 0, false, false}}, {MirrorId{77}, {}}});
    remember_walks(scanner(), {{MirrorId{77}, {}}});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read_remembered_files(scanner()).size());
    owner().script("DELETE FROM mirror WHERE identifier = 'one'");
    CPPUNIT_ASSERT(read_remembered_files(scanner()).empty());
  }

  void theLastGoodListingOfTheWholeCounts() {
    add_scan("merged", "", "'\\x01'");
    add_scan("unchanged", "", "'\\x02'");
    add_scan("failed", "", "NULL");
    add_scan("merged", "part", "'\\x03'");
    const auto listings = newest_listings(scanner(), {one_, two_});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, listings.size());
    CPPUNIT_ASSERT_EQUAL(std::string("\x02"), listings.at(one_));
    add_scan("merged", "", "NULL");
    CPPUNIT_ASSERT(newest_listings(scanner(), {one_}).empty());
  }

 private:
  void add_scan(const std::string& outcome, const std::string& subtree,
                const std::string& fingerprint) {
    owner().script(
        "INSERT INTO scan (mirror_id, method, subtree, ended, outcome, fingerprint) VALUES (" +
        std::to_string(one_) + ", 'rsync', '" + subtree + "', now(), '" + outcome + "', " +
        fingerprint + ")");
  }

  MirrorId one_ = 0, two_ = 0;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProbeMemoryTest);

}  // namespace
}  // namespace mirror::db::test
