#include "scanner/list/throttle.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror::scanner {

class ThrottleTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ThrottleTest);
  CPPUNIT_TEST(countsRequests);
  CPPUNIT_TEST(waitsForBytesThatCame);
  CPPUNIT_TEST(takesOneRequestAtLeast);
  CPPUNIT_TEST(needsNoLimit);
  CPPUNIT_TEST_SUITE_END();

  using Milliseconds = std::chrono::milliseconds;
  const Throttle::Clock::time_point start_{};

  // How many of many tries a second are granted.
  int granted(Throttle& throttle, int seconds, std::size_t bytes = 0) const {
    int count = 0;
    for (int ms = 0; ms < seconds * 1000; ms += 10) {
      if (!throttle.may_ask(start_ + Milliseconds(ms))) continue;
      throttle.came(bytes);
      ++count;
    }
    return count;
  }

 public:
  void countsRequests() {
    Throttle throttle(5, 0, start_);
    const int in_10_s = granted(throttle, 10);
    CPPUNIT_ASSERT(in_10_s >= 54 && in_10_s <= 55);  // five at once, then five a second
    CPPUNIT_ASSERT(Throttle(5, 0, start_).patience() == Milliseconds(200));
  }

  void waitsForBytesThatCame() {
    Throttle throttle(0, 1000, start_);
    const int in_10_s = granted(throttle, 10, 2000);
    CPPUNIT_ASSERT(in_10_s >= 5 && in_10_s <= 6);  // 11,000 bytes, and one begins at the end
    Throttle one(0, 1000, start_);
    CPPUNIT_ASSERT(one.may_ask(start_));
    one.came(3500);
    CPPUNIT_ASSERT(!one.may_ask(start_ + Milliseconds(2400)));
    CPPUNIT_ASSERT(one.may_ask(start_ + Milliseconds(2600)));
  }

  void takesOneRequestAtLeast() {
    Throttle throttle(0.1, 0, start_);
    CPPUNIT_ASSERT(throttle.may_ask(start_) && !throttle.may_ask(start_ + Milliseconds(9900)));
    CPPUNIT_ASSERT(throttle.may_ask(start_ + Milliseconds(10100)));
  }

  void needsNoLimit() {
    Throttle throttle(0, 0, start_);
    for (int i = 0; i < 1000; ++i) {
      CPPUNIT_ASSERT(throttle.may_ask(start_));
      throttle.came(1'000'000);
    }
    CPPUNIT_ASSERT(throttle.patience() == Milliseconds(1000));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ThrottleTest);

}  // namespace mirror::scanner
