#include "core/stamp_time.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace mirror {
namespace {

constexpr std::int64_t kThen = 1795975201;  // 2026-11-29T18:00:01Z

}  // namespace

class StampTimeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StampTimeTest);
  CPPUNIT_TEST(readsEachForm);
  CPPUNIT_TEST(refusesWhatIsNoTimeForCertain);
  CPPUNIT_TEST_SUITE_END();

 public:
  void readsEachForm() {
    for (const std::string_view text : {
             "1795975201",
             "1795975201\n",
             "  1795975201 \r\nmore\n",
             "1795975201.999",
             "1795975201999",
             "2026-11-29T18:00:01Z",
             "2026-11-29t18:00:01z",
             "2026-11-29 18:00:01Z",
             "2026-11-29 18:00:01 UTC",
             "2026-11-29T18:00:01.123456Z",
             "2026-11-29T19:00:01+01:00",
             "2026-11-29 12:30:01 -0530",
             "\xef\xbb\xbf"
             "2026-11-29T18:00:01Z",
             "Sun, 29 Nov 2026 18:00:01 GMT",
             "Sunday, 29-Nov-26 18:00:01 GMT",
             "Sun Nov 29 18:00:01 2026",
             "Sun, 29 Nov 2026 18:00:01 +0000",
             "Sun, 29 Nov 2026 19:00:01 +0100 (CET)",
             "29 Nov 2026 18:00:01 UT",
             "Sun Nov 29 18:00:01 UTC 2026",
             "Sun Nov 29 18:00:01 UTC 2026\nUsing dak v1\nRunning on host: x\n",
             "Sun Nov 29 06:00:01 PM UTC 2026",
             "Sun 29 Nov 2026 06:00:01 PM UTC",
             "Sunday, 29 November 2026, 18:00:01 GMT",
             "Mon Nov 29 18:00:01 UTC 2026",  // of another day of the week
         })
      CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(text), kThen, parse_stamp(text).value_or(-1));
    CPPUNIT_ASSERT_EQUAL(kThen - 1, parse_stamp("2026-11-29T18:00Z").value_or(-1));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1795910401},
                         parse_stamp("Sun Nov 29 12:00:01 AM UTC 2026").value_or(-1));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{951782400}, parse_stamp("Feb 29 2000 00:00 Z").value_or(-1));
  }

  void refusesWhatIsNoTimeForCertain() {
    for (const std::string_view text : {
             "",
             "\n1795975201",
             "20261129",      // a serial
             "17959752010",   // neither seconds nor milliseconds
             "179597520199",  // nor these
             "17959752011234567",
             "1795975201.",
             "1795975201 0",
             "-1795975201",
             "2026-11-29",
             "2026-11-29T18:00:01",  // of which zone?
             "2026-11-29T18:00:01 CET",
             "2026-02-29T18:00:01Z",
             "2026-11-29T24:00:01Z",
             "2026-11-29T18:60:01Z",
             "2026-11-29T18:00:01+1",
             "2026-11-29T18:00:01+25:00",
             "2026-11-29T18:00:01Z trailing",
             "Sun Nov 29 18:00:01 CET 2026",
             "Sun Nov 29 13:00:01 PM UTC 2026",
             "Sun Nov 29 00:00:01 AM UTC 2026",
             "Sun Nov 29 18:00:01 UTC 2026 2026",
             "Sun Nov Nov 29 18:00:01 UTC 2026",
             "Sun Nov 29 29 18:00:01 UTC 2026",
             "Sun Nov 31 18:00:01 UTC 2026",
             "29 Nov 2026",
             "(UTC) 29 Nov 2026 18:00:01",
             "Thu, 01 Jan 1970 00:00:00 +0100",
             "<html><head><title>404 Not Found</title>",
             "Archive serial: 2026112903",
         })
      CPPUNIT_ASSERT_MESSAGE(std::string(text), !parse_stamp(text));
    CPPUNIT_ASSERT(!parse_stamp(std::string_view("1795975201\0", 11)));
    CPPUNIT_ASSERT(!parse_stamp(std::string(300, '1')));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StampTimeTest);

}  // namespace mirror
