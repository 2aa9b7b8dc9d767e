#include "core/text_table.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror {

class TextTableTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TextTableTest);
  CPPUNIT_TEST(alignsColumns);
  CPPUNIT_TEST(wrapsTheLastColumn);
  CPPUNIT_TEST(leavesAloneWhatCannotBeWrapped);
  CPPUNIT_TEST_SUITE_END();

 public:
  void alignsColumns() {
    TextTable table({{"A"}, {"NUMBER", Align::right}, {"C"}}, " ");
    table.add({"Z\xc3\xbcrich", "1", ""});
    table.add({"x", "22", "c\n"});
    const std::string expected =
        " A       NUMBER  C\n Z\xc3\xbcrich       1\n x           22  c\\x0A\n";
    CPPUNIT_ASSERT_EQUAL(expected, table.text());
    CPPUNIT_ASSERT_EQUAL(expected, table.text(80));
  }

  void wrapsTheLastColumn() {
    TextTable table({{"NAME"}, {"WHY"}});
    table.add({"a", "short"});
    table.add({"b", "this goes on over some lines, \xe2\x80\xa6 and_this_word_is_too_long here"});
    const std::string expected =
        "NAME  WHY\na     short\nb     this goes on over\n      some lines, \xe2\x80\xa6\n      "
        "and_this_word_is_too_long\n      here\n";
    CPPUNIT_ASSERT_EQUAL(expected, table.text(26));
  }

  void leavesAloneWhatCannotBeWrapped() {
    TextTable narrow({{"NAME"}, {"WHY"}});
    narrow.add({"b", "this goes on over some lines"});
    CPPUNIT_ASSERT_EQUAL(narrow.text(), narrow.text(25));
    CPPUNIT_ASSERT_EQUAL(narrow.text(), narrow.text(1));
    TextTable right({{"NAME"}, {"N", Align::right}});
    right.add({"b", "1 2 3 4 5 6 7 8 9 10 11 12 13 14"});
    CPPUNIT_ASSERT_EQUAL(right.text(), right.text(30));
    CPPUNIT_ASSERT_EQUAL(std::string(), TextTable(2).text(3));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TextTableTest);

}  // namespace mirror
