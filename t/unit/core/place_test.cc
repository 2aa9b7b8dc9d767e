#include "core/place.h"

#include <cmath>

#include "samples.h"

namespace mirror {

class PlaceTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PlaceTest);
  CPPUNIT_TEST(measuresGreatCircles);
  CPPUNIT_TEST(readsCountryCodes);
  CPPUNIT_TEST(readsRegionCodes);
  CPPUNIT_TEST(putsCountriesOnTheirContinent);
  CPPUNIT_TEST(knowsEveryCountryThatTzdataNames);
  CPPUNIT_TEST(takesCentroidsFromTheZones);
  CPPUNIT_TEST(readsPlacesOfMirrors);
  CPPUNIT_TEST_SUITE_END();

 public:
  void readsPlacesOfMirrors() {
    const auto place = MirrorPlace::parse("-33.9/151.2/au");
    CPPUNIT_ASSERT(place);
    CPPUNIT_ASSERT_EQUAL(-33.9, place->place.latitude);
    CPPUNIT_ASSERT_EQUAL(151.2, place->place.longitude);
    CPPUNIT_ASSERT_EQUAL(std::string("-33.9/151.2/AU"), place->text());
    for (const char* bad : {"", "1", "1/2", "1/2/", "1/2/D", "1/2/**", "1/2/DE/", "91/0/DE",
                            "0/181/DE", "nan/0/DE", "inf/0/DE", "/0/DE", "1,5/2/DE", " 1/2/DE"})
      CPPUNIT_ASSERT_MESSAGE(bad, !MirrorPlace::parse(bad));
  }

  void measuresGreatCircles() {
    const double half_way_round_km = M_PI * 6371.0;
    const struct {
      Place a, b;
      double km, tolerance_km;
    } cases[] = {
        {{52.52, 13.40}, {52.52, 13.40}, 0, 0},
        {{52.52, 13.40}, {48.86, 2.35}, 878, 2},               // Berlin, Paris
        {{51.51, -0.13}, {40.71, -74.01}, 5570, 5},            // London, New York
        {{0, 0}, {0, 180}, half_way_round_km, 0.01},           // antipodes
        {{90, 12}, {-90, 77}, half_way_round_km, 0.01},        // poles
        {{-17, 179.9}, {-17, -179.9}, 21.27, 0.01},            // over the date line
        {{52.5, 13.4}, {52.50001, 13.4}, 0.001112, 0.000001},  // a metre
    };
    for (const auto& [a, b, km, tolerance_km] : cases) {
      CPPUNIT_ASSERT_DOUBLES_EQUAL(km, distance_km(a, b), tolerance_km);
      CPPUNIT_ASSERT_DOUBLES_EQUAL(km, distance_km(b, a), tolerance_km);
    }
    CPPUNIT_ASSERT(std::isnan(distance_km(Place{NAN, 0}, Place{0, 0})));
    CPPUNIT_ASSERT(std::isnan(distance_km(Place{0, 0}, Place{0, INFINITY})));
  }

  void readsCountryCodes() {
    CPPUNIT_ASSERT_EQUAL(std::string("DE"), std::string(country("de").text()));
    CPPUNIT_ASSERT(country("De") == country("dE"));
    CPPUNIT_ASSERT(country("**").everyone() && country("**").known());
    CPPUNIT_ASSERT(!CountryCode().known() && CountryCode().text().empty());
    for (const std::string_view text :
         {"", "d", "deu", "d1", "*d", "d*", "*", "\xc3\xbc", "d ", "[]", "@A"}) {
      CPPUNIT_ASSERT_MESSAGE(std::string(text), !CountryCode::parse(text));
    }
    CPPUNIT_ASSERT(!CountryCode::parse(std::string_view("\0\0", 2)));
  }

  void readsRegionCodes() {
    for (const Region region :
         {Region::AF, Region::AN, Region::AS, Region::EU, Region::NA, Region::OC, Region::SA}) {
      CPPUNIT_ASSERT(parse_region(region_code(region)) == region);
    }
    CPPUNIT_ASSERT(parse_region("eu") == Region::EU);
    CPPUNIT_ASSERT(region_code(Region::unknown).empty());
    for (const char* text : {"", "E", "EUR", "XX", "**", "e "})
      CPPUNIT_ASSERT_MESSAGE(text, !parse_region(text));
    CPPUNIT_ASSERT(!parse_region(std::string_view("\0\0", 2)));
  }

  void putsCountriesOnTheirContinent() {
    const std::pair<const char*, Region> cases[] = {
        {"DE", Region::EU},      {"RU", Region::EU},      {"CY", Region::EU},    {"TR", Region::AS},
        {"GE", Region::AS},      {"EG", Region::AF},      {"RE", Region::AF},    {"MX", Region::NA},
        {"PA", Region::NA},      {"GL", Region::NA},      {"BR", Region::SA},    {"GF", Region::SA},
        {"NZ", Region::OC},      {"AQ", Region::AN},      {"ID", Region::AS},    {"XK", Region::EU},
        {"ZZ", Region::unknown}, {"**", Region::unknown}, {"", Region::unknown},
    };
    for (const auto& [code, region] : cases) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(code, std::string(region_code(region)),
                                   std::string(region_code(region_of(country(code)))));
    }
  }

  void knowsEveryCountryThatTzdataNames() {
    int countries = 0, placed = 0;
    for (char first = 'A'; first <= 'Z'; ++first) {
      for (char second = 'A'; second <= 'Z'; ++second) {
        const std::string code{first, second};
        if (name_of(country(code)).empty()) continue;
        ++countries;
        placed += centroid_of(country(code)).has_value();
        CPPUNIT_ASSERT_MESSAGE(code + " has no region in regions.tab",
                               region_of(country(code)) != Region::unknown);
      }
    }
    CPPUNIT_ASSERT(countries >= 249);
    CPPUNIT_ASSERT(placed >= countries - 4);  // a few islands have no time zone
    CPPUNIT_ASSERT_EQUAL(std::string("Germany"), std::string(name_of(country("de"))));
    CPPUNIT_ASSERT(name_of(country("ZZ")).empty() && name_of(country("**")).empty() &&
                   name_of(CountryCode()).empty());
  }

  void takesCentroidsFromTheZones() {
    const std::pair<const char*, Place> cases[] = {
        {"FR", {48.87, 2.33}},   // one zone: Paris
        {"AR", {-33.0, -65.5}},  // twelve zones, southern and western
        {"FJ", {-18.13, 178.42}},
        {"NZ",
         {-40.49,
          178.88}},  // Auckland and Chatham, on either side of the date line: not near Greenwich
    };
    for (const auto& [code, place] : cases)
      CPPUNIT_ASSERT(distance_km(centroid_of(country(code)).value(), place) < 300);
    CPPUNIT_ASSERT_EQUAL(std::string_view("Kosovo"), name_of(country("XK")));
    CPPUNIT_ASSERT(!centroid_of(country("XK")) && !centroid_of(country("**")) &&
                   !centroid_of(CountryCode()));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PlaceTest);

}  // namespace mirror
