#include "scanner/list/part.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror::scanner {

class PartTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PartTest);
  CPPUNIT_TEST(findsThePartOfTheMirror);
  CPPUNIT_TEST_SUITE_END();

 public:
  void findsThePartOfTheMirror() {
    struct {
      const char *subtree, *strip, *add;
      bool nothing, may_be_missing;
      const char *directory, *prefix;
    } const cases[] = {
        {"", "", "", false, false, "", ""},
        {"a/b", "", "", false, true, "a/b", "a/b"},
        {"", "pub/tree/", "", false, false, "pub/tree", ""},
        {"a", "/pub/tree", "", false, true, "pub/tree/a", "a"},
        {"", "", "iso/", false, false, "", "iso"},
        {"iso", "", "iso", false, false, "", "iso"},
        {"iso/x", "", "iso", false, true, "x", "iso/x"},
        {"iso", "", "iso/sub", false, false, "", "iso/sub"},
        {"isolinux", "", "iso", true, false, "", ""},
        {"is", "", "iso", true, false, "", ""},
        {"other", "", "iso", true, false, "", ""},
        {"iso/x", "pub", "iso", false, true, "pub/x", "iso/x"},
    };
    for (const auto& c : cases) {
      const Part part = part_of_mirror(c.subtree, c.strip, c.add);
      const std::string what = std::string(c.subtree) + "|" + c.strip + "|" + c.add;
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, c.nothing, part.nothing);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, c.may_be_missing, part.may_be_missing);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::string(c.directory), part.directory);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::string(c.prefix), part.prefix);
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PartTest);

}  // namespace mirror::scanner
