#include "net/retry_after.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace mirror::net {
namespace {

constexpr std::int64_t kNow = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

std::optional<std::int64_t> said(const std::string& text, int status = 429) {
  PoolAnswer answer;
  answer.status = status;
  answer.headers = {{"Retry-After", text}};
  return retry_after_s(answer, kNow);
}

class RetryAfterTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RetryAfterTest);
  CPPUNIT_TEST(readsSecondsAndDates);
  CPPUNIT_TEST(takesNothingElse);
  CPPUNIT_TEST(aMirrorRestsAsLongAsItAskedTo);
  CPPUNIT_TEST(roundsWaitTenMinutesAtMost);
  CPPUNIT_TEST_SUITE_END();

 public:
  void readsSecondsAndDates() {
    CPPUNIT_ASSERT(said("0") == 0);
    CPPUNIT_ASSERT(said("120", 503) == 120);
    CPPUNIT_ASSERT(said("86400") == kLongestRest_s);
    CPPUNIT_ASSERT(said("99999999999999999999") == kLongestRest_s);
    CPPUNIT_ASSERT(said("Sun, 06 Nov 1994 08:59:37 GMT") == 600);
    CPPUNIT_ASSERT(said("Sunday, 06-Nov-94 08:59:37 GMT", 503) == 600);
    CPPUNIT_ASSERT(said("Mon, 07 Nov 1994 08:49:37 GMT") == kLongestRest_s);
    CPPUNIT_ASSERT(said("Sun, 06 Nov 1994 08:00:00 GMT") == 0);
  }

  void takesNothingElse() {
    for (const char* text : {"", "soon", "-5", "5 s", "1.5", "99999999999999999999x"})
      CPPUNIT_ASSERT_MESSAGE(text, !said(text));
    CPPUNIT_ASSERT(!said("30", 200) && !said("30", 500));
    PoolAnswer broken;
    broken.status = 503;
    broken.failure = FailureKind::broken;
    broken.headers = {{"Retry-After", "30"}};
    CPPUNIT_ASSERT(!retry_after_s(broken, kNow));
  }

  void aMirrorRestsAsLongAsItAskedTo() {
    Rests rests;
    CPPUNIT_ASSERT(!rests.has(1, 100));
    rests.asked_for_time(1, 300, 100);
    rests.asked_for_time(1, 10, 110);  // the longer one counts
    rests.did_not_answer(1, 110);
    CPPUNIT_ASSERT(rests.has(1, 399) && !rests.has(1, 400) && !rests.has(2, 110));
    rests.did_not_answer(2, 110);
    CPPUNIT_ASSERT(rests.has(2, 169) && !rests.has(2, 170));
  }

  void roundsWaitTenMinutesAtMost() {
    Rests rests;
    rests.asked_for_time(1, 1'000'000, 100, true);
    CPPUNIT_ASSERT_EQUAL(3700.0, rests.until_s(1));
    CPPUNIT_ASSERT_EQUAL(700.0, rests.rounds_until_s(1));
    rests.asked_for_time(3, 0, 100);
    CPPUNIT_ASSERT(rests.has(3, 109) && rests.rounds_until_s(3) <= 100);
    rests.did_not_answer(2, 100);
    CPPUNIT_ASSERT(rests.rounds_until_s(2) <= 100);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RetryAfterTest);

}  // namespace
}  // namespace mirror::net
