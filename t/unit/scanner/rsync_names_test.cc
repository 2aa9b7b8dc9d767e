#include "scanner/rsync/rsync_names.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror::scanner {

class RsyncNamesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RsyncNamesTest);
  CPPUNIT_TEST(readsModules);
  CPPUNIT_TEST(readsAFolder);
  CPPUNIT_TEST(hasBounds);
  CPPUNIT_TEST_SUITE_END();

  using Names = std::vector<std::string>;
  static Names names_of(std::string_view output, RsyncNames::NameIn name_in) {
    RsyncNames names(name_in);
    names.feed(output.substr(0, output.size() / 2));
    names.feed(output.substr(output.size() / 2));
    return names.finish();
  }

 public:
  void readsModules() {
    const Names names = names_of(
        "Welcome!\n\ndebian         \tDebian GNU/Linux\na b            \t\n"
        "../..          \tup\n..             \tup\n               \tnone\nlast\tone",
        module_name);
    CPPUNIT_ASSERT((names == Names{"debian", "a b", "last"}));
  }

  void readsAFolder() {
    const Names names = names_of(
        "drwxr-xr-x          4,096 2026/11/24 00:10:03 .\n"
        "drwxr-xr-x          4,096 2026/11/24 00:10:03 pool\nWelcome!\n"
        "-rw-r--r--              7 2026/11/24 00:10:03 caf\\#303\\#251\n",
        name_in_folder);
    CPPUNIT_ASSERT((names == Names{"pool", "caf\303\251"}));
  }

  void hasBounds() {
    std::string output;
    for (int i = 0; i < 2000; ++i) output += std::to_string(i) + " \t\n";
    CPPUNIT_ASSERT_EQUAL(std::size_t{1000}, names_of(output, module_name).size());
    const std::string longest(2048, 'x');
    const Names names = names_of(longest + "\t\n" + longest + "x\t\n", module_name);
    CPPUNIT_ASSERT(names == Names{longest});
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RsyncNamesTest);

}  // namespace mirror::scanner
