#include "scanner/list/listing.h"

#include <cppunit/extensions/HelperMacros.h>

#include <map>

namespace mirror::scanner {

class ListingTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ListingTest);
  CPPUNIT_TEST(stagesWhatOthersMayNotRead);
  CPPUNIT_TEST(putsThePrefixBeforeEveryPath);
  CPPUNIT_TEST(breaksAtPathsThatNoTreeHas);
  CPPUNIT_TEST(skipsAndCountsLongPaths);
  CPPUNIT_TEST(breaksBeyondTheLimitOfEntries);
  CPPUNIT_TEST(boundsWhatItRemembers);
  CPPUNIT_TEST_SUITE_END();

  // "path": staged or not, of what passed.
  using Passed = std::map<std::string, bool>;

  struct Fixture {
    explicit Fixture(std::int64_t max_entries = 1000, const std::string& prefix = "")
        : listing(
              max_entries, prefix,
              [this](const TreeEntry& entry) { passed[std::string(entry.path)] = entry.staged; },
              control, counts) {}
    void add(const std::string& path, ListedKind kind = ListedKind::file, bool readable = true) {
      listing.add({kind, readable, 1, 2, path, kind == ListedKind::link ? "t" : ""});
    }
    Control control;
    ListingCounts counts;
    Passed passed;
    Listing listing;
  };

 public:
  void stagesWhatOthersMayNotRead() {
    Fixture f;
    f.add(".", ListedKind::directory, false);
    f.add("a");
    f.add("b", ListedKind::file, false);
    f.add("open", ListedKind::directory);
    f.add("closed", ListedKind::directory, false);
    f.add("closed/a");
    f.add("closed/deep", ListedKind::directory);
    f.add("closed/deep/a", ListedKind::link);
    f.add("closedness");
    f.add("open/link", ListedKind::link, false);
    f.add("open/fifo", ListedKind::special);
    CPPUNIT_ASSERT((f.passed == Passed{{"a", false},
                                       {"b", true},
                                       {"open", false},
                                       {"closed", true},
                                       {"closed/a", true},
                                       {"closed/deep", true},
                                       {"closed/deep/a", true},
                                       {"closedness", false},
                                       {"open/link", false}}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{11}, f.counts.entries);
  }

  void putsThePrefixBeforeEveryPath() {
    Fixture f(10, "pre/fix");
    f.add(".", ListedKind::directory);
    f.add("d", ListedKind::directory, false);
    f.add("d/a");
    CPPUNIT_ASSERT((f.passed == Passed{{"pre/fix/d", true}, {"pre/fix/d/a", true}}));
  }

  void breaksAtPathsThatNoTreeHas() {
    for (const std::string& path :
         {std::string("/etc/passwd"), std::string(".."), std::string("a/../../b"),
          std::string("../a"), std::string("a//b"), std::string("./a"), std::string("a/"),
          std::string("a\0b", 3), std::string()}) {
      for (const char* prefix : {"", "pre"}) {
        Fixture f(10, prefix);
        CPPUNIT_ASSERT_THROW_MESSAGE(path, f.add(path), ListingError);
        CPPUNIT_ASSERT(f.passed.empty());
      }
    }
    Fixture f;
    f.add("\n\x01\xff\x7f");  // odd, and a name all the same
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, f.passed.size());
  }

  void skipsAndCountsLongPaths() {
    Fixture f(10, "p");
    f.add(std::string(2046, 'x'));
    f.add(std::string(2047, 'x'));
    f.add(std::string(5000, 'x'));
    f.listing.add_too_long();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, f.passed.size());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, f.counts.long_paths);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{4}, f.counts.entries);
  }

  void breaksBeyondTheLimitOfEntries() {
    Fixture f(2);
    f.add("a");
    f.add("b");
    CPPUNIT_ASSERT_THROW(f.add("c"), ListingError);
  }

  void boundsWhatItRemembers() {
    Fixture f(100'000'000);
    const auto endless = [&f] {
      for (int i = 0; i < 1'000'000; ++i) {
        f.add(std::to_string(i) + std::string(2000, 'x'), ListedKind::directory, false);
        f.passed.clear();
      }
    };
    CPPUNIT_ASSERT_THROW(endless(), ListingError);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ListingTest);

}  // namespace mirror::scanner
