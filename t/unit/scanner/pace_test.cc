#include "scanner/list/pace.h"

#include <cppunit/extensions/HelperMacros.h>

#include "scanner/list/listing.h"

namespace mirror::scanner {

class PaceTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PaceTest);
  CPPUNIT_TEST(endsAListingAtItsLimit);
  CPPUNIT_TEST(endsAListingThatTrickles);
  CPPUNIT_TEST_SUITE_END();

  const Pace::Clock::time_point start_{};

 public:
  void endsAListingAtItsLimit() {
    using namespace std::chrono_literals;
    Pace pace(2, start_);
    pace.check(0, start_ + 2min);
    CPPUNIT_ASSERT_THROW(pace.check(1'000'000, start_ + 2min + 1s), ListingError);
  }

  void endsAListingThatTrickles() {
    using namespace std::chrono_literals;
    Pace pace(240, start_);
    pace.check(1, start_ + 4min);
    pace.check(60, start_ + 5min);
    pace.check(61, start_ + 9min);
    CPPUNIT_ASSERT_THROW(pace.check(119, start_ + 10min), ListingError);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PaceTest);

}  // namespace mirror::scanner
