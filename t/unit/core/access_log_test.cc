#include "core/access_log.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "core/heavy_hitters.h"

namespace mirror {

class AccessLogTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AccessLogTest);
  CPPUNIT_TEST(readsWhatHttpdWrites);
  CPPUNIT_TEST(refusesOtherLines);
  CPPUNIT_TEST(readsTimesWithZones);
  CPPUNIT_TEST(countsWithinItsBounds);
  CPPUNIT_TEST_SUITE_END();

 public:
  void readsWhatHttpdWrites() {
    const std::string_view combined =
        R"(192.0.2.1 - a b [29/Nov/2026:12:00:00 +0100] "GET //x/%41%2fb\"\xc3\\%zz?q HTTP/1.1" 302 7 )"
        R"("-" "mirror=evil \" country=XX" mirror=a.example country=DE size=99)";
    const auto line = parse_access_line(combined);
    CPPUNIT_ASSERT(line.has_value());
    CPPUNIT_ASSERT_EQUAL(std::string("x/A/b\"\xc3\\%zz"), line->path);
    CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.1"), std::string(line->client));
    CPPUNIT_ASSERT_EQUAL(std::string("a.example"), std::string(line->mirror));
    CPPUNIT_ASSERT_EQUAL(std::string("DE"), std::string(line->country));
    CPPUNIT_ASSERT_EQUAL(302, line->status);
    CPPUNIT_ASSERT(line->bytes == 7 && line->size_bytes == 99 && line->time_s == 1795950000);
    const auto host = parse_access_line(
        R"(www.example:443 2001:db8::1 - - [29/Nov/2026:12:00:00 +0000] "HEAD http://h/p HTTP/1.1" 200 -)");
    CPPUNIT_ASSERT(host.has_value() && host->client == "2001:db8::1" && host->path == "p");
    CPPUNIT_ASSERT(host->method == "HEAD" && host->bytes == 0 && host->mirror.empty());
    const auto evil = parse_access_line(
        R"(1.2.3.4 - - [29/Nov/2026:12:00:00 +0000] "GET /p HTTP/1.1" 200 - "-" "mirror=evil")");
    CPPUNIT_ASSERT(evil.has_value() && evil->mirror.empty());
  }

  void refusesOtherLines() {
    for (const char* text :
         {"", "[", " [", " []", "a - - [29/Nov/2026:12:00:00 +0000]",
          "a - - [29/Nov/2026:12:00:00 +0000] \"GET /p HTTP/1.1", "a [x] \"GET /p\" 200 1",
          "a - - [29/Nov/2026:12:00:00 +0000] \"-\" 408 -",
          "a - - [29/Nov/2026:12:00:00 +0000] \"GET /p\\",
          "a - - [29/Nov/2026:12:00:00 +0000] \"\\x",
          "a - - [29/Nov/2026:12:00:00 +0000] \"OPTIONS * HTTP/1.1\" 200 -",
          "a - - [29/Nov/2026:12:00:00 +0000] \"GET /p HTTP/1.1\" 20x 1"})
      CPPUNIT_ASSERT_MESSAGE(text, !parse_access_line(text));
  }

  void readsTimesWithZones() {
    CPPUNIT_ASSERT(parse_log_time("01/Jan/1970:00:00:00 +0000") == 0);
    CPPUNIT_ASSERT(parse_log_time("01/Jan/1970:00:00:00 -0130") == 5400);
    CPPUNIT_ASSERT(parse_log_time("29/Feb/2028:23:59:60 +0000").has_value());
    for (const char* text :
         {"29/Feb/2027:00:00:00 +0000", "01/jan/1970:00:00:00 +0000", "01/Jan/1970:24:00:00 +0000",
          "01/Jan/1970:00:00:00 0000 ", "-1/Jan/1970:00:00:00 +0000", "01/Jan/1970:00:00:00 +1500"})
      CPPUNIT_ASSERT_MESSAGE(text, !parse_log_time(text));
  }

  // However many rare keys come between.
  void countsWithinItsBounds() {
    HeavyHitters hitters(100);
    for (int i = 0; i < 20'000; ++i) {
      hitters.add("rare" + std::to_string(i), 1);
      if (i % 10 == 0) hitters.add("often", 2);
      if (i % 20 == 0) hitters.add("less", 3);
    }
    const auto top = hitters.top(2);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, top.size());
    CPPUNIT_ASSERT_EQUAL(std::string("often"), top[0].key);
    CPPUNIT_ASSERT_EQUAL(std::string("less"), top[1].key);
    for (const auto& [one, truth] : {std::pair(top[0], 2000), std::pair(top[1], 1000)})
      CPPUNIT_ASSERT(one.count >= truth && one.count - one.error <= truth);
    CPPUNIT_ASSERT(hitters.top(1'000'000).size() <= 200);
    hitters.add(std::string(10'000, 'x'), 0);
    for (const auto& one : hitters.top(1000))
      CPPUNIT_ASSERT(one.key.size() <= HeavyHitters::kMaxKeyBytes);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AccessLogTest);

}  // namespace mirror
