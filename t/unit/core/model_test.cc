#include "core/model.h"

#include <cmath>

#include "samples.h"

namespace mirror {

class ModelTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ModelTest);
  CPPUNIT_TEST(findsMirrorsById);
  CPPUNIT_TEST(trustsNoUrl);
  CPPUNIT_TEST(trustsNoIdentifier);
  CPPUNIT_TEST(takesRegionAndPlaceFromTheCountry);
  CPPUNIT_TEST_SUITE_END();

 public:
  void findsMirrorsById() {
    const MirrorTable table(
        7, {sample_mirror(300), sample_mirror(2), sample_mirror(32767), sample_mirror(-4)});
    CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, table.rev());
    for (const MirrorId id : {2, 300, 32767}) CPPUNIT_ASSERT_EQUAL(id, table.find(id)->id);
    for (const MirrorId id : {0, 1, 3, 301, -4, -32768}) CPPUNIT_ASSERT(table.find(id) == nullptr);
    CPPUNIT_ASSERT(MirrorTable().find(1) == nullptr);
  }

  void trustsNoUrl() {
    Mirror mirror = sample_mirror(1);
    mirror.http_url = "http://m.example/\r\n/";
    mirror.https_url = "http://not-https.example/";
    const MirrorTable table(1, {mirror});
    CPPUNIT_ASSERT(table.find(1)->http_url.empty() && table.find(1)->https_url.empty());
  }

  void trustsNoIdentifier() {
    Mirror mirror = sample_mirror(1);
    mirror.identifier = "m\r\nSet-Cookie: a=b";
    CPPUNIT_ASSERT_EQUAL(std::string("m\\x0D\\x0ASet-Cookie: a=b"),
                         MirrorTable(1, {mirror}).find(1)->identifier);
  }

  void takesRegionAndPlaceFromTheCountry() {
    std::vector<Mirror> mirrors = {sample_mirror(1, "FR"), sample_mirror(2, "FR"),
                                   sample_mirror(3, "**")};
    mirrors[1].place = Place{-12, 45};
    mirrors[1].region = Region::AF;
    const MirrorTable table(1, mirrors);
    CPPUNIT_ASSERT(table.find(1)->region == Region::EU && table.find(2)->region == Region::AF);
    CPPUNIT_ASSERT(distance_km(table.row_of(*table.find(1)).direction,
                               direction(*centroid_of(country("FR")))) < 1);
    CPPUNIT_ASSERT(distance_km(table.row_of(*table.find(2)).direction, direction({-12, 45})) < 1);
    CPPUNIT_ASSERT(std::isnan(table.row_of(*table.find(3)).direction.x));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ModelTest);

}  // namespace mirror
