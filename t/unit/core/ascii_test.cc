#include "core/ascii.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror {

class AsciiTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AsciiTest);
  CPPUNIT_TEST(lowersLettersOfAsciiAlone);
  CPPUNIT_TEST_SUITE_END();

 public:
  void lowersLettersOfAsciiAlone() {
    CPPUNIT_ASSERT_EQUAL(std::string("text/html"), lower("Text/HTML"));
    CPPUNIT_ASSERT_EQUAL(std::string("az@[`{09\xc4\x96"), lower("AZ@[`{09\xc4\x96"));
    CPPUNIT_ASSERT_EQUAL(std::string("\xc3\x84"), lower("\xc3\x84"));  // Ä
    CPPUNIT_ASSERT_EQUAL(std::string(), lower(""));
    static_assert(lower('Q') == 'q' && lower('q') == 'q' && lower('_') == '_');
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AsciiTest);

}  // namespace mirror
