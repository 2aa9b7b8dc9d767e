#include "core/health.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror {
namespace {

class HealthTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HealthTest);
  CPPUNIT_TEST(waysAndStandingsAreReadAsTheyAreWritten);
  CPPUNIT_TEST(nothingElseIsRead);
  CPPUNIT_TEST(aSetHasWhatWasAdded);
  CPPUNIT_TEST_SUITE_END();

 public:
  void waysAndStandingsAreReadAsTheyAreWritten() {
    for (const Way way : kWays) CPPUNIT_ASSERT(Way::parse(way.text()) == way);
    CPPUNIT_ASSERT_EQUAL(std::string("https/ipv6"), (Way{true, Family::ipv6}).text());
    for (const Standing standing :
         {Standing::good, Standing::stale, Standing::wrong, Standing::returning})
      CPPUNIT_ASSERT(parse_standing(standing_name(standing)) == standing);
  }

  void nothingElseIsRead() {
    for (const char* text : {"", "http", "http/", "http/ipv5", "HTTP/ipv4", "https/ipv4 "})
      CPPUNIT_ASSERT_MESSAGE(text, !Way::parse(text));
    for (const char* text : {"", "Good", "bad"})
      CPPUNIT_ASSERT_MESSAGE(text, !parse_standing(text));
  }

  void aSetHasWhatWasAdded() {
    for (const Way added : kWays) {
      WaySet set;
      CPPUNIT_ASSERT(set.empty() && set.texts().empty());
      set.add(added);
      for (const Way way : kWays) CPPUNIT_ASSERT_EQUAL(way == added, set.has(way));
      CPPUNIT_ASSERT(set.texts() == std::vector<std::string>{added.text()} && !set.empty());
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(HealthTest);

}  // namespace
}  // namespace mirror
