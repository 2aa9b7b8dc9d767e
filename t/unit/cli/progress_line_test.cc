#include "tools/cli/progress_line.h"

#include <cppunit/extensions/HelperMacros.h>

#include "core/utf8.h"

namespace mirror::cli {

class ProgressLineTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProgressLineTest);
  CPPUNIT_TEST(leavesAloneWhatFits);
  CPPUNIT_TEST(cutsBetweenCharacters);
  CPPUNIT_TEST_SUITE_END();

 public:
  void leavesAloneWhatFits() {
    CPPUNIT_ASSERT_EQUAL(std::string("12345"), fitted("12345", 6));
    CPPUNIT_ASSERT_EQUAL(std::string("12..."), fitted("123456", 6));
  }

  void cutsBetweenCharacters() {
    const std::string text =
        "1 of 9: ftp.m\xc3\xbcller.example; \xf0\x9f\x98\x80\xf0\x9f\x98\x80 done";
    for (std::size_t width = 5; width <= text.size(); ++width) {
      const std::string cut = fitted(text, width);
      CPPUNIT_ASSERT(cut.size() < width && cut.ends_with("..."));
      for (std::string_view rest = cut; !rest.empty();) {
        const std::size_t length = first_code_point(rest).length;
        CPPUNIT_ASSERT(length > 0);
        rest.remove_prefix(length);
      }
      CPPUNIT_ASSERT(text.starts_with(cut.substr(0, cut.size() - 3)));
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProgressLineTest);

}  // namespace mirror::cli
