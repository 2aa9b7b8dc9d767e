#include "core/logged_answer.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "core/heavy_hitters.h"

namespace mirror {

class LoggedAnswerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LoggedAnswerTest);
  CPPUNIT_TEST(readsWhatHttpdWrites);
  CPPUNIT_TEST(refusesOtherLines);
  CPPUNIT_TEST(readsTimesWithZones);
  CPPUNIT_TEST(countsWithinItsBounds);
  CPPUNIT_TEST_SUITE_END();

 public:
  void readsWhatHttpdWrites() {
    const auto line = parse_logged_answer(
        R"(192.0.2.1 - a b [29/Nov/2026:12:00:00 +0100] "GET /x\"y\\ HTTP/1.1" 302 7 "-" )"
        R"("mirror=evil \" country=XX" mirror=a.example country=DE size=99)");
    CPPUNIT_ASSERT(line.has_value());
    CPPUNIT_ASSERT_EQUAL(std::string("a.example"), std::string(line->mirror));
    CPPUNIT_ASSERT_EQUAL(std::string("DE"), std::string(line->country));
    CPPUNIT_ASSERT_EQUAL(302, line->status);
    CPPUNIT_ASSERT(line->bytes == 7 && line->size_bytes == 99 && line->time_s == 1795950000);
    const auto evil = parse_logged_answer(
        R"(1.2.3.4 - - [29/Nov/2026:12:00:00 +0000] "GET /p HTTP/1.1" 200 - "-" "x mirror=evil")");
    CPPUNIT_ASSERT(evil.has_value() && evil->mirror.empty() && evil->bytes == 0);
  }

  void refusesOtherLines() {
    for (const char* text :
         {"", "[", " [", " []", "a - - [29/Nov/2026:12:00:00 +0000]",
          "a - - [29/Nov/2026:12:00:00 +0000] \"GET /p HTTP/1.1", "a [x] \"GET /p\" 200 1",
          "a - - [29/Nov/2026:12:00:00 +0000] \"GET /p\\",
          "a - - [29/Nov/2026:12:00:00 +0000] \"\\", "a - - [29/Nov/2026:12:00:00 +0000] \"-\"",
          "a - - [29/Nov/2026:12:00:00 +0000] \"GET /p HTTP/1.1\" 20x 1"})
      CPPUNIT_ASSERT_MESSAGE(text, !parse_logged_answer(text));
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

CPPUNIT_TEST_SUITE_REGISTRATION(LoggedAnswerTest);

}  // namespace mirror
