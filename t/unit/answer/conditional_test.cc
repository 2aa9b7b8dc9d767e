#include "answer/conditional.h"

#include "samples.h"

namespace mirror {

class ConditionalTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ConditionalTest);
  CPPUNIT_TEST(matchesTheTagsOfCommonServers);
  CPPUNIT_TEST(looksAtTheDateOnlyWithoutTags);
  CPPUNIT_TEST_SUITE_END();

  static constexpr std::int64_t kSize = 0x1234, kTime = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

 public:
  void matchesTheTagsOfCommonServers() {
    const std::string httpd = entity_tag(kSize, kTime);
    CPPUNIT_ASSERT_EQUAL(std::string("\"1234-2c9253feeaa40\""), httpd);
    const std::string nginx = "\"2ebc98a1-1234\"";
    const std::pair<std::string, bool> cases[] = {
        {httpd, true},
        {"W/" + httpd, true},
        {nginx, true},
        {"W/" + nginx, true},
        {"\"other\", " + nginx, true},
        {"\"a,b\" ,," + httpd + ",", true},
        {"*", true},
        {" * ", true},
        {"\"1234-2c9253feeaa41\"", true},  // the same second
        {"\"1235-2c9253feeaa40\"", false},
        {"\"2ebc98a1-1235\"", false},
        {"\"2ebc98a2-1234\"", false},
        {"\"\"", false},
        {"\"*\"", false},
        {"\"1234\"", false},
        {"\"-\"", false},
        {"\"1234--2c9253feeaa40\"", false},
        {"\"1234-2c9253feeaa40", false},
        {"1234-2c9253feeaa40", false},
        {"\"ffffffffffffffffffffffff-2ebc98a1\"", false},
        {"w/" + httpd, false},
        {"garbage " + httpd, false},
        {",", false},
        {" ", false},
    };
    for (const auto& [tags, matches] : cases)
      CPPUNIT_ASSERT_EQUAL_MESSAGE(tags, matches, not_modified({tags, ""}, kSize, kTime));
  }

  void looksAtTheDateOnlyWithoutTags() {
    CPPUNIT_ASSERT(not_modified({"", "Sun, 06 Nov 1994 08:49:37 GMT"}, kSize, kTime));
    CPPUNIT_ASSERT(not_modified({"", "Mon, 07 Nov 1994 00:00:00 GMT"}, kSize, kTime));
    CPPUNIT_ASSERT(!not_modified({"", "Sun, 06 Nov 1994 08:49:36 GMT"}, kSize, kTime));
    CPPUNIT_ASSERT(!not_modified({"\"other\"", "Mon, 07 Nov 1994 00:00:00 GMT"}, kSize, kTime));
    CPPUNIT_ASSERT(!not_modified({"", "yesterday"}, kSize, kTime));
    CPPUNIT_ASSERT(!not_modified({"", "yesterday"}, kSize, -5));
    CPPUNIT_ASSERT(!not_modified({"", ""}, kSize, kTime));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ConditionalTest);

}  // namespace mirror
