// Tests scanner/discover/tree_match.h.
#include "scanner/discover/tree_match.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mirror::scanner::discover {
namespace {

class DiscoverTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DiscoverTest);
  CPPUNIT_TEST(looksForModulesNamedAsTheUrlFirst);
  CPPUNIT_TEST(looksIntoAFewFoldersOnly);
  CPPUNIT_TEST(aTreeIsToldByItsTopNames);
  CPPUNIT_TEST_SUITE_END();

 public:
  void looksForModulesNamedAsTheUrlFirst() {
    struct Case {
      std::vector<std::string> modules;
      const char* url_path;
      std::vector<std::string> places;
    };
    const Case cases[] = {
        {{"ubuntu", "debian"}, "debian/", {"debian", "ubuntu/debian", "ubuntu", "debian/debian"}},
        {{"pub"},
         "pub/linux/debian/",
         {"pub/linux/debian", "pub/debian", "pub", "pub/pub/linux/debian"}},
        {{"ftp"}, "debian/", {"ftp/debian", "ftp"}},
        {{"a", "b"}, "", {"a", "b"}},
        {{}, "pub/d%65bian/", {"debian", "pub/debian"}},  // a server may list none of its modules
        {{}, "", {}},
        {{"x"}, "broken%zz/", {"x"}},
    };
    for (const Case& one : cases) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(one.url_path, fmt::format("{}", one.places),
                                   fmt::format("{}", rsync_places(one.modules, one.url_path)));
    }
  }

  void looksIntoAFewFoldersOnly() {
    std::vector<std::string> modules;
    for (int i = 0; i < 1000; ++i) modules.push_back(fmt::format("m{}", i));
    CPPUNIT_ASSERT_EQUAL(kMostPlaces, rsync_places(modules, "a/b/c/").size());
    CPPUNIT_ASSERT_EQUAL(std::string("m999/c"), rsync_places(modules, "m999/c/").front());
  }

  void aTreeIsToldByItsTopNames() {
    CPPUNIT_ASSERT_EQUAL(100, percent_of_top({"dists", "pool"}, {"x", "pool", "dists"}));
    CPPUNIT_ASSERT_EQUAL(50, percent_of_top({"dists", "pool"}, {"pool", "Pool"}));
    CPPUNIT_ASSERT_EQUAL(0, percent_of_top({"dists"}, {}));
    CPPUNIT_ASSERT_EQUAL(0, percent_of_top({}, {"dists"}));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DiscoverTest);

}  // namespace
}  // namespace mirror::scanner::discover
