#include "core/http_date.h"

#include "samples.h"

namespace mirror {

class HttpDateTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HttpDateTest);
  CPPUNIT_TEST(readsEveryFormOfDate);
  CPPUNIT_TEST(refusesWhatIsNoDate);
  CPPUNIT_TEST(writesDatesThatItReads);
  CPPUNIT_TEST_SUITE_END();

  static constexpr std::int64_t kTime = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

 public:
  void readsEveryFormOfDate() {
    const std::pair<const char*, std::int64_t> cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", kTime},
        {"Sunday, 06-Nov-94 08:49:37 GMT", kTime},
        {"Sun Nov  6 08:49:37 1994", kTime},
        {"Thu Nov 26 00:00:00 2026", 1795651200},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thu, 29 Feb 2024 23:59:60 GMT", 1709251200},
        {"Tuesday, 19-Jan-38 03:14:08 GMT", 2147483648},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
    };
    for (const auto& [text, time_s] : cases)
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, time_s, parse_http_date(text));
  }

  void refusesWhatIsNoDate() {
    for (const char* text :
         {"", " ", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ",
          "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
          "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
          "Sun, 06 Nov 1994 08:00:61 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT",
          "Sun, 06 Nvo 1994 08:49:37 GMT", "Sun, 06 Nov 19x4 08:49:37 GMT",
          "Sun, 06 Nov -994 08:49:37 GMT", "Sun, 06 Nov 1900 08:49:37 GMT",
          "Sun Nov 06 08:49:37 19944", "784111777"}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, std::int64_t{-1}, parse_http_date(text));
    }
  }

  void writesDatesThatItReads() {
    CPPUNIT_ASSERT_EQUAL(std::string("Sun, 06 Nov 1994 08:49:37 GMT"), http_date(kTime));
    for (std::int64_t time_s = 0; time_s < 5'000'000'000; time_s += 12'345'679) {
      CPPUNIT_ASSERT_EQUAL(time_s, parse_http_date(http_date(time_s)));
    }
    CPPUNIT_ASSERT_EQUAL(std::string("Thu, 01 Jan 1970 00:00:00 GMT"), http_date(INT64_MIN));
    CPPUNIT_ASSERT_EQUAL(std::string("Fri, 31 Dec 9999 23:59:59 GMT"), http_date(INT64_MAX));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(HttpDateTest);

}  // namespace mirror
