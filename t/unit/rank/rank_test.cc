#include "rank/rank.h"

#include <cmath>

#include "samples.h"

namespace mirror {

using Change = void (*)(Mirror&);

Mirror changed(MirrorId id, std::string_view country_code, Change change) {
  Mirror mirror = sample_mirror(id, country_code);
  change(mirror);
  return mirror;
}

class RankTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RankTest);
  CPPUNIT_TEST(ordersByTier);
  CPPUNIT_TEST(honoursEveryFlagForEveryClient);
  CPPUNIT_TEST(rejectsWhatCannotServe);
  CPPUNIT_TEST(aStaleMirrorServesImmutableFilesAlone);
  CPPUNIT_TEST(excludedCountriesCountEvenInThePrefix);
  CPPUNIT_TEST(namedCountriesCountOnlyWithoutAMirrorOfTheirOwn);
  CPPUNIT_TEST(asTierEndsWhereTheAsIsTooFar);
  CPPUNIT_TEST(asTierHoldsWhereNobodyKnowsHowFar);
  CPPUNIT_TEST(everyCountryMirrorsServeEveryKnownCountry);
  CPPUNIT_TEST(withoutGeoEveryoneIsFar);
  CPPUNIT_TEST(overriddenClientsHaveNoPrefix);
  CPPUNIT_TEST(neverSendsIpv4ToIpv6OnlyMirrors);
  CPPUNIT_TEST(prefersTheClientsFamilyWithinATier);
  CPPUNIT_TEST(looksInsideTranslatedAddresses);
  CPPUNIT_TEST(neverDowngradesHttps);
  CPPUNIT_TEST(whatIsDownIsLeftOutForThoseWhoWouldTakeIt);
  CPPUNIT_TEST(putsOversizedMirrorsLast);
  CPPUNIT_TEST(weighsByDistance);
  CPPUNIT_TEST(takesTheMedianForUnknownPlaces);
  CPPUNIT_TEST(doublesTheOwnRegionFarAway);
  CPPUNIT_TEST(theNearestThatMayServeIsTheMeasure);
  CPPUNIT_TEST(theLongestPrefixGoesFirst);
  CPPUNIT_TEST(aPrefixOfEitherFamilyIsAsLong);
  CPPUNIT_TEST(aClientKnownByItsContinentStaysThere);
  CPPUNIT_TEST(aMirrorKnownByItsContinentServesIt);
  CPPUNIT_TEST(countsTheNearestOfSeveralPlaces);
  CPPUNIT_TEST(survivesAbsurdTables);
  CPPUNIT_TEST_SUITE_END();

  // A client of 192.0.2.1 in AS 680 in Germany, and what the nearest to it are.
  static Client german() {
    Client client = sample_client("DE", "192.0.2.1");
    client.asn = 680;
    return client;
  }
  static void serve_prefix(Mirror& mirror) {
    mirror.prefixes = {prefix("10.0.0.0/8"), prefix("192.0.2.0/24")};
  }
  static void serve_as(Mirror& mirror) { mirror.served_as = {7, 680}; }
  static void name_germany(Mirror& mirror) {
    mirror.other_countries = {country("PL"), country("DE")};
  }

  static double effective_weight(const Ranking& ranking, MirrorId id) {
    for (const Candidate& candidate : ranking.accepted) {
      if (candidate.mirror->id == id) return candidate.effective_weight;
    }
    return NAN;
  }

 public:
  void ordersByTier() {
    const auto own_as = [](Mirror& mirror) { mirror.asn = 680; };
    const std::vector<Mirror> mirrors = {sample_mirror(1, "US"), sample_mirror(2, "DE"),
                                         changed(3, "FR", serve_as),
                                         changed(4, "FR", serve_prefix)};
    CPPUNIT_ASSERT_EQUAL(std::string("4 prefix, 3 as, 2 country, 1 far"),
                         ranked(german(), mirrors));
    const std::vector<Mirror> elsewhere = {sample_mirror(1, "US"), changed(2, "CZ", name_germany),
                                           changed(3, "FR", own_as)};
    CPPUNIT_ASSERT_EQUAL(std::string("3 as, 2 other-country, 1 far"), ranked(german(), elsewhere));
  }

  void honoursEveryFlagForEveryClient() {
    const struct {
      Change flag;
      const char* reason;
      // who is let in: in the prefix, in the AS, in the country, in a named country, in the region,
      // far
      const char* let_in;
    } flags[] = {
        {[](Mirror&) {}, "", "pacnrf"},
        {[](Mirror& m) { m.prefix_only = true; }, "only its prefixes", "p"},
        {[](Mirror& m) { m.as_only = true; }, "only its AS", "pa"},
        {[](Mirror& m) { m.country_only = true; }, "only its country", "pacn"},
        {[](Mirror& m) { m.region_only = true; }, "only its region", "pacnr"},
    };
    const struct {
      char who;
      const char* tier;
      Mirror mirror;
    } bonds[] = {
        {'p', "prefix", changed(1, "US", serve_prefix)},
        {'a', "as", changed(1, "US", serve_as)},
        {'c', "country", sample_mirror(1, "DE")},
        {'n', "other-country", changed(1, "US", name_germany)},
        {'r', "far", sample_mirror(1, "FR")},
        {'f', "far", sample_mirror(1, "US")},
    };
    RankSettings settings;
    settings.as_limit_km = 50'000;
    for (const auto& [flag, reason, let_in] : flags) {
      for (const auto& [who, tier, bound] : bonds) {
        Mirror mirror = bound;
        flag(mirror);
        const bool expected = std::string_view(let_in).find(who) != std::string_view::npos;
        CPPUNIT_ASSERT_EQUAL_MESSAGE(
            std::string(1, who) + " with " + reason,
            expected ? std::string("1 ") + tier : std::string("; 1: ") + reason,
            ranked(german(), {mirror}, {}, settings));
      }
    }
  }

  void aStaleMirrorServesImmutableFilesAlone() {
    Mirror stale = sample_mirror(1), wrong = sample_mirror(2), off = sample_mirror(3);
    stale.standing = off.standing = Standing::stale;
    wrong.standing = Standing::wrong;
    off.enabled = false;
    const MirrorTable table(1, {stale, wrong, off}, PathRules({"*.rpm"}));
    CPPUNIT_ASSERT(table.is_for_stale("a.rpm") && !table.is_for_stale("a.deb"));
    CPPUNIT_ASSERT(!MirrorTable(1, {wrong}, PathRules({"*.rpm"})).is_for_stale("a.rpm"));
    const Client client = sample_client();
    CPPUNIT_ASSERT_EQUAL(std::string("1 country; 2: wrong; 3: disabled"),
                         text(rank_all(client, table, {.with_stale = true})));
    CPPUNIT_ASSERT_EQUAL(std::string("; 1: stale; 2: wrong; 3: disabled"),
                         text(rank_all(client, table)));
    CPPUNIT_ASSERT_EQUAL(
        std::size_t{1},
        rank_first(9, client, {.with_stale = true}, all_ids(table), table, {}).size());
    CPPUNIT_ASSERT(rank_first(9, client, {}, all_ids(table), table, {}).empty());
  }

  void rejectsWhatCannotServe() {
    const std::pair<Change, const char*> cases[] = {
        {[](Mirror& m) { m.enabled = false; }, "; 1: disabled"},
        {[](Mirror& m) { m.online = false; }, "; 1: offline"},
        {[](Mirror& m) { m.standing = Standing::stale, m.standing_reason = "3 days behind"; },
         "; 1: stale"},
        {[](Mirror& m) { m.standing = Standing::wrong; }, "; 1: wrong"},
        {[](Mirror& m) { m.standing = Standing::returning; }, "; 1: returning"},
        {[](Mirror& m) { m.weight = 0; }, "; 1: weight 0"},
        {[](Mirror& m) { m.weight = -3; }, "; 1: weight 0"},
        {[](Mirror& m) { m.http_url = m.https_url = ""; }, "; 1: no usable URL"},
        {[](Mirror& m) { m.http_url = "http://x/\r\n", m.https_url = ""; }, "; 1: no usable URL"},
        {[](Mirror& m) { m.ipv4 = false; }, "; 1: IPv6 only"},
        {[](Mirror& m) {
           m.excluded_countries = {country("FR"), country("DE")};
         },
         "; 1: excludes the country"},
        {[](Mirror& m) { m.excluded_countries = {country("FR")}; }, "1 country"},
    };
    for (const auto& [change, words] : cases)
      CPPUNIT_ASSERT_EQUAL(std::string(words), ranked(german(), {changed(1, "DE", change)}));
    const MirrorTable table(1, {sample_mirror(1)});
    CPPUNIT_ASSERT_EQUAL(std::string("1 country; 9: no such mirror; -1: no such mirror"),
                         text(rank(german(), {}, std::vector<MirrorId>{9, 1, -1}, table, {})));
  }

  void excludedCountriesCountEvenInThePrefix() {
    Mirror mirror = changed(1, "FR", serve_prefix);
    mirror.excluded_countries = {country("DE")};
    CPPUNIT_ASSERT_EQUAL(std::string("; 1: excludes the country"), ranked(german(), {mirror}));
    CPPUNIT_ASSERT_EQUAL(std::string("1 prefix"), ranked(sample_client(""), {mirror}));
  }

  void namedCountriesCountOnlyWithoutAMirrorOfTheirOwn() {
    const Mirror named = changed(1, "CZ", name_germany);
    CPPUNIT_ASSERT_EQUAL(std::string("1 other-country"), ranked(german(), {named}));
    CPPUNIT_ASSERT_EQUAL(std::string("2 country, 1 far"),
                         ranked(german(), {named, sample_mirror(2, "DE")}));
    CPPUNIT_ASSERT_EQUAL(std::string("2 prefix, 1 far"),
                         ranked(german(), {named, changed(2, "DE", serve_prefix)}));
    const Change disabled = [](Mirror&m) { m.enabled = false; },
                 in_other_as = [](Mirror&m) { m.as_only = true; };
    CPPUNIT_ASSERT_EQUAL(std::string("1 other-country; 2: disabled"),
                         ranked(german(), {named, changed(2, "DE", disabled)}));
    CPPUNIT_ASSERT_EQUAL(std::string("1 other-country; 2: only its AS"),
                         ranked(german(), {named, changed(2, "DE", in_other_as)}));
    // Not every country's mirrors, nor those whose limit the file exceeds.
    CPPUNIT_ASSERT_EQUAL(std::string("2 country, 1 other-country"),
                         ranked(german(), {named, sample_mirror(2, "**")}));
    const Change small = [](Mirror& m) { m.file_maxsize = 10; };
    CPPUNIT_ASSERT_EQUAL(std::string("1 other-country, 2 country"),
                         ranked(german(), {named, changed(2, "DE", small)}, {.size_bytes = 11}));
  }

  void asTierEndsWhereTheAsIsTooFar() {
    Client client = german();
    client.place = Place{52.5, 13.4};
    Mirror near = changed(1, "FR", serve_as), distant = changed(2, "US", serve_as);
    near.place = Place{48.9, 2.4};
    distant.place = Place{40.7, -74};
    CPPUNIT_ASSERT_EQUAL(std::string("1 as, 2 far"), ranked(client, {near, distant}));
    distant.country = country("DE");  // the next tier may be any
    CPPUNIT_ASSERT_EQUAL(std::string("1 as, 2 country"), ranked(client, {near, distant}));
    distant.as_only = true;  // which is still no reason to keep its AS out
    CPPUNIT_ASSERT_EQUAL(std::string("1 as, 2 country"), ranked(client, {near, distant}));
    distant.place.reset();
    distant.country = CountryCode();
    CPPUNIT_ASSERT_EQUAL(std::string("2 as"), ranked(client, {distant}));
    client.asn = 0;
    near.asn = 0;
    CPPUNIT_ASSERT_EQUAL(std::string("1 far"), ranked(client, {near}));
  }

  void asTierHoldsWhereNobodyKnowsHowFar() {
    Client american = sample_client("US", "192.0.2.1");
    american.asn = 680;
    Mirror miami = changed(1, "US", serve_as), paris = changed(2, "FR", serve_as);
    miami.place = Place{25.8, -80.2};  // 1,900 km from the country's centroid
    CPPUNIT_ASSERT_EQUAL(std::string("1 as, 2 far"), ranked(american, {miami, paris}));
    american.place = Place{47.6, -122.3};
    CPPUNIT_ASSERT_EQUAL(std::string("1 country"), ranked(american, {miami}));
    american.overridden = true;  // as=680
    CPPUNIT_ASSERT_EQUAL(std::string("1 as"), ranked(american, {miami}));
    CPPUNIT_ASSERT_EQUAL(std::string("2 as"), ranked(american, {paris}));
  }

  void everyCountryMirrorsServeEveryKnownCountry() {
    const Change country_only = [](Mirror& m) { m.country_only = true; };
    CPPUNIT_ASSERT_EQUAL(std::string("1 country"), ranked(german(), {sample_mirror(1, "**")}));
    CPPUNIT_ASSERT_EQUAL(std::string("1 country"),
                         ranked(sample_client("JP"), {changed(1, "**", country_only)}));
    CPPUNIT_ASSERT_EQUAL(std::string("1 far"), ranked(sample_client(""), {sample_mirror(1, "**")}));
  }

  void withoutGeoEveryoneIsFar() {
    const Client nowhere = sample_client("");
    const Mirror flagged[] = {changed(2, "DE", [](Mirror& m) { m.country_only = true; }),
                              changed(3, "DE", [](Mirror& m) { m.region_only = true; }),
                              changed(4, "**", [](Mirror& m) { m.country_only = true; }),
                              changed(5, "", [](Mirror& m) { m.as_only = true; })};
    CPPUNIT_ASSERT_EQUAL(
        std::string(
            "1 far; 2: only its country; 3: only its region; 4: only its country; 5: only its AS"),
        ranked(nowhere, {sample_mirror(1), flagged[0], flagged[1], flagged[2], flagged[3]}));
    const MirrorTable table(1, {sample_mirror(1, "DE"), sample_mirror(2, "AU")});
    const Ranking ranking = rank_all(nowhere, table);
    for (const Candidate& candidate : ranking.accepted) {
      CPPUNIT_ASSERT(std::isnan(candidate.distance_km) && candidate.effective_weight == 100);
    }
    CPPUNIT_ASSERT_EQUAL(std::string("1 far"), ranked(nowhere, {sample_mirror(1, "")}));
  }

  void overriddenClientsHaveNoPrefix() {
    Client client = german();
    client.overridden = true;
    CPPUNIT_ASSERT_EQUAL(std::string("1 far"), ranked(client, {changed(1, "FR", serve_prefix)}));
    const Change prefix_only = [](Mirror& m) { serve_prefix(m), m.prefix_only = true; };
    CPPUNIT_ASSERT_EQUAL(std::string("; 1: only its prefixes"),
                         ranked(client, {changed(1, "FR", prefix_only)}));
  }

  void neverSendsIpv4ToIpv6OnlyMirrors() {
    const Mirror ipv6_only = changed(1, "DE", [](Mirror& m) { m.ipv4 = false; });
    for (const char* client : {"192.0.2.1", "::ffff:192.0.2.1"}) {
      CPPUNIT_ASSERT_EQUAL(std::string("; 1: IPv6 only"),
                           ranked(sample_client("DE", client), {ipv6_only}));
    }
    for (const char* client : {"2001:db8::1", "64:ff9b::192.0.2.1", "2002:c000:201::1"}) {
      CPPUNIT_ASSERT_EQUAL(std::string("1 country"),
                           ranked(sample_client("DE", client), {ipv6_only}));
    }
  }

  void prefersTheClientsFamilyWithinATier() {
    Mirror heavy_ipv4 = sample_mirror(1, "DE"), light_ipv6 = sample_mirror(2, "DE"),
           far_ipv6 = sample_mirror(3, "US");
    heavy_ipv4.ipv6 = false;
    heavy_ipv4.weight = 1'000'000;
    light_ipv6.weight = 1;
    for (int n = 0; n < 50; ++n) {
      const Client client = sample_client("DE", "2001:db8:0:" + std::to_string(n) + "::1");
      CPPUNIT_ASSERT_EQUAL(std::string("2 country, 1 country, 3 far"),
                           ranked(client, {heavy_ipv4, light_ipv6, far_ipv6}));
    }
  }

  void looksInsideTranslatedAddresses() {
    for (const char* client : {"64:ff9b::192.0.2.1", "2002:c000:201::1", "::ffff:192.0.2.1"}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(
          client, std::string("1 prefix"),
          ranked(sample_client("DE", client), {changed(1, "FR", serve_prefix)}));
    }
    const Change nat64_network = [](Mirror& m) { m.prefixes = {prefix("64:ff9b::/96")}; };
    CPPUNIT_ASSERT_EQUAL(std::string("1 prefix"), ranked(sample_client("DE", "64:ff9b::1.2.3.4"),
                                                         {changed(1, "FR", nat64_network)}));
  }

  void neverDowngradesHttps() {
    Mirror http = sample_mirror(1), https = sample_mirror(2);
    http.https_url = "";
    https.http_url = "";
    CPPUNIT_ASSERT_EQUAL(std::string("2 country; 1: no https for an https client"),
                         ranked(german(), {http, https}, {.https = true}));
    CPPUNIT_ASSERT_EQUAL(std::string("http://m1.example/pub/"),
                         std::string(base_url(http, false, Family::ipv4)));
    CPPUNIT_ASSERT_EQUAL(std::string("https://m2.example/pub/"),
                         std::string(base_url(https, false, Family::ipv4)));
    CPPUNIT_ASSERT_EQUAL(std::string("http://m3.example/pub/"),
                         std::string(base_url(sample_mirror(3), false, Family::ipv4)));
    CPPUNIT_ASSERT_EQUAL(std::string("https://m3.example/pub/"),
                         std::string(base_url(sample_mirror(3), true, Family::ipv4)));
    CPPUNIT_ASSERT(base_url(http, true, Family::ipv4).empty());
  }

  void whatIsDownIsLeftOutForThoseWhoWouldTakeIt() {
    const auto down = [](std::vector<const char*> ways) {
      Mirror mirror = sample_mirror(1);  // has both schemes and both families
      for (const char* way : ways) mirror.down.add(Way::parse(way).value());
      mirror.down_reason = "connection refused";
      return mirror;
    };
    const auto base = [](const Mirror& mirror, const char* address, bool https) {
      const Client client = sample_client("DE", address);
      const bool served = ranked(client, {mirror}, {.https = https}).starts_with("1 ");
      const std::string url(base_url(mirror, https, client.address.family));
      CPPUNIT_ASSERT_EQUAL(served, !url.empty());
      CPPUNIT_ASSERT_EQUAL(served, !usable_bases(mirror, https, client.address.family).empty());
      return served ? url.substr(0, url.find(':')) : std::string("none");
    };
    const char* const v4 = "192.0.2.9";
    const char* const v6 = "2001:db8::9";
    const auto all = [&](const Mirror& m) {
      return base(m, v4, false) + ' ' + base(m, v6, false) + ' ' + base(m, v4, true) + ' ' +
             base(m, v6, true);
    };
    CPPUNIT_ASSERT_EQUAL(std::string("http http https https"), all(down({})));
    CPPUNIT_ASSERT_EQUAL(std::string("http none https none"),
                         all(down({"http/ipv6", "https/ipv6"})));
    CPPUNIT_ASSERT_EQUAL(std::string("http http none none"),
                         all(down({"https/ipv4", "https/ipv6"})));
    CPPUNIT_ASSERT_EQUAL(std::string("https http https https"), all(down({"http/ipv4"})));
    Mirror without_ipv6 = down({"http/ipv4"});
    without_ipv6.ipv6 = false;
    CPPUNIT_ASSERT_EQUAL(std::string("https https https https"), all(without_ipv6));
    const Mirror nothing = down({"http/ipv4", "http/ipv6", "https/ipv4", "https/ipv6"});
    CPPUNIT_ASSERT_EQUAL(std::string("none none none none"), all(nothing));
    CPPUNIT_ASSERT(serves_nobody(nothing) == RejectReason::down && !serves_nobody(without_ipv6));
    CPPUNIT_ASSERT_EQUAL(std::string("down: connection refused"),
                         reject_text(RejectReason::down, &nothing));
  }

  void putsOversizedMirrorsLast() {
    Mirror small = changed(1, "DE", serve_prefix);
    small.file_maxsize = 1000;
    const std::vector<Mirror> mirrors = {small, sample_mirror(2, "US")};
    CPPUNIT_ASSERT_EQUAL(std::string("1 prefix, 2 far"),
                         ranked(german(), mirrors, {.size_bytes = 1000}));
    CPPUNIT_ASSERT_EQUAL(std::string("2 far, 1 prefix"),
                         ranked(german(), mirrors, {.size_bytes = 1001}));
  }

  // Of a mirror of weight 100 in a tier whose nearest one is at `nearest_km`.
  static double weight_at(double km, double nearest_km) {
    return 100 / std::pow(1 + std::pow((km - nearest_km) / (200 + nearest_km / 4), 2), 2);
  }

  void weighsByDistance() {
    Client client = german();
    client.place = Place{0, 0};
    std::vector<Mirror> mirrors = {sample_mirror(1, "DE"), sample_mirror(2, "BR"),
                                   changed(3, "BR", serve_prefix)};
    for (Mirror& mirror : mirrors) mirror.place = Place{0, 9};
    mirrors.push_back(sample_mirror(4, "DE"));  // each tier has a nearest one of its own
    mirrors.push_back(sample_mirror(5, "BR"));
    mirrors[3].place = mirrors[4].place = Place{0, 18};
    const double near_km = distance_km(Place{0, 0}, Place{0, 9});
    const double far_weight = weight_at(2 * near_km, near_km);
    const MirrorTable table(1, mirrors);
    const Ranking ranking = rank_all(client, table);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(100, effective_weight(ranking, 1), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(100, effective_weight(ranking, 2), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(far_weight, effective_weight(ranking, 4), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(far_weight, effective_weight(ranking, 5), 1e-9);
    CPPUNIT_ASSERT(far_weight < 20);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(100, effective_weight(ranking, 3),
                                 1e-9);  // distance counts in the country and far tiers only
    CPPUNIT_ASSERT_DOUBLES_EQUAL(1000.8, ranking.accepted[0].distance_km, 0.1);
    client.place.reset();  // Germany's centroid then
    CPPUNIT_ASSERT_DOUBLES_EQUAL(distance_km(*centroid_of(country("DE")), {0, 9}),
                                 rank_all(client, MirrorTable(1, mirrors)).accepted[0].distance_km,
                                 1e-6);
  }

  void takesTheMedianForUnknownPlaces() {
    Client client = sample_client("AR");
    client.place = Place{0, 0};
    std::vector<Mirror> mirrors;
    for (const int degrees : {9, 18, 90}) {
      mirrors.push_back(sample_mirror(static_cast<MirrorId>(degrees), "ZA"));
      mirrors.back().place = Place{0, static_cast<double>(degrees)};
    }
    mirrors.push_back(sample_mirror(1, ""));
    const auto of_unknown = [&] {
      return effective_weight(rank_all(client, MirrorTable(1, mirrors)), 1);
    };
    const double near_km = distance_km(Place{0, 0}, Place{0, 9}),
                 far_km = distance_km(Place{0, 0}, Place{0, 18});
    CPPUNIT_ASSERT_DOUBLES_EQUAL(weight_at(far_km, near_km), of_unknown(), 1e-9);
    mirrors.erase(mirrors.begin() + 2);  // of an even number the mean of the middle two
    CPPUNIT_ASSERT_DOUBLES_EQUAL(weight_at((near_km + far_km) / 2, near_km), of_unknown(), 1e-9);
    mirrors.push_back(sample_mirror(2, "AR"));  // another tier's distances do not matter
    mirrors.back().place = Place{0, 0};
    CPPUNIT_ASSERT_DOUBLES_EQUAL(weight_at((near_km + far_km) / 2, near_km), of_unknown(), 1e-9);
    mirrors = {sample_mirror(1, "")};
    CPPUNIT_ASSERT_DOUBLES_EQUAL(100, of_unknown(), 1e-9);
  }

  void doublesTheOwnRegionFarAway() {
    std::vector<Mirror> mirrors = {sample_mirror(1, "FR"), sample_mirror(2, "US"),
                                   sample_mirror(3, "DE")};
    for (Mirror& mirror : mirrors) mirror.place = Place{50, 10};
    Client client = german();
    client.place = Place{50, 10};
    const MirrorTable table(1, mirrors);
    const Ranking ranking = rank_all(client, table);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(200, effective_weight(ranking, 1), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(100, effective_weight(ranking, 2), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(100, effective_weight(ranking, 3), 1e-9);
  }

  void theNearestThatMayServeIsTheMeasure() {
    Client client = sample_client("AR");
    client.place = Place{0, 0};
    std::vector<Mirror> mirrors = {sample_mirror(1, "ZA"), sample_mirror(2, "ZA")};
    mirrors[0].place = Place{0, 9};
    mirrors[1].place = Place{0, 18};
    const auto of_second = [&] {
      return effective_weight(rank_all(client, MirrorTable(1, mirrors)), 2);
    };
    CPPUNIT_ASSERT(of_second() < 20);
    mirrors[0].enabled = false;
    CPPUNIT_ASSERT_DOUBLES_EQUAL(100, of_second(), 1e-9);
  }

  void theLongestPrefixGoesFirst() {
    const auto serving = [](MirrorId id, const char* text, int weight) {
      Mirror mirror = sample_mirror(id, "US");
      mirror.prefixes = {prefix("10.0.0.0/8"), prefix(text)};
      mirror.weight = weight;
      return mirror;
    };
    const std::vector<Mirror> mirrors = {serving(1, "192.0.2.0/25", 10000),
                                         serving(2, "192.0.2.64/26", 1),
                                         serving(3, "0.0.0.0/0", 100000)};
    for (int slot = 0; slot < 200; ++slot) {
      CPPUNIT_ASSERT_EQUAL(
          std::string("2 prefix, 1 prefix, 3 prefix"),
          ranked(sample_client("DE", "192.0.2.65"), mirrors, {.now_s = slot * 3600}));
    }
    CPPUNIT_ASSERT_EQUAL(std::string("1 prefix, 3 prefix, 2 far"),
                         ranked(sample_client("DE", "192.0.2.1"), mirrors));
  }

  void aPrefixOfEitherFamilyIsAsLong() {
    Mirror inner = sample_mirror(1, "US"), outer = sample_mirror(2, "US");
    inner.prefixes = {prefix("192.0.2.0/24")};
    outer.prefixes = {prefix("64:ff9b::/96")};
    outer.weight = 100000;
    CPPUNIT_ASSERT_EQUAL(std::string("1 prefix, 2 prefix"),
                         ranked(sample_client("DE", "64:ff9b::c000:201"), {inner, outer}));
  }

  void aClientKnownByItsContinentStaysThere() {
    Client client = sample_client("");
    client.region = Region::AS;
    std::vector<Mirror> mirrors = {sample_mirror(1, "JP"), sample_mirror(2, "TR"),
                                   sample_mirror(3, "BG"), sample_mirror(4, "US")};
    mirrors[1].place = Place{41.0, 28.9};
    const MirrorTable table(1, mirrors);
    const Ranking ranking = rank_all(client, table);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(200, effective_weight(ranking, 1), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(200, effective_weight(ranking, 2), 1e-9);
    CPPUNIT_ASSERT(effective_weight(ranking, 3) < 0.1);
    CPPUNIT_ASSERT(effective_weight(ranking, 4) < 0.1);
    client.region = Region::AF;  // which has none: Europe is nearer than America
    const Ranking african = rank_all(client, table);
    CPPUNIT_ASSERT(effective_weight(african, 3) > 100 * effective_weight(african, 4));
  }

  void aMirrorKnownByItsContinentServesIt() {
    Mirror somewhere = sample_mirror(1, ""), american = sample_mirror(2, "US");
    somewhere.region = Region::EU;
    const MirrorTable table(1, {somewhere, american});
    const Ranking french = rank_all(sample_client("FR"), table);
    CPPUNIT_ASSERT(effective_weight(french, 1) > 1000 * effective_weight(french, 2));
    const Ranking mexican = rank_all(sample_client("MX"), table);
    CPPUNIT_ASSERT(effective_weight(mexican, 2) > 1000 * effective_weight(mexican, 1));
  }

  void countsTheNearestOfSeveralPlaces() {
    Mirror cdn = sample_mirror(1, "US"), french = sample_mirror(2, "FR");
    cdn.place = Place{40.7, -74.0};
    french.place = Place{48.9, 2.4};
    const auto tiers = [&](std::string_view code) {
      return ranked(sample_client(code), {cdn, french});
    };
    CPPUNIT_ASSERT_EQUAL(std::string("1 country, 2 far"), tiers("US"));
    CPPUNIT_ASSERT(tiers("JP").find("country") == std::string::npos);
    cdn.places = {{{35.7, 139.7}, country("JP")}, {{50.1, 8.7}, country("DE")}};
    for (const char* code : {"US", "JP", "DE"})
      CPPUNIT_ASSERT_EQUAL(std::string("1 country, 2 far"), tiers(code));
    CPPUNIT_ASSERT_EQUAL(std::string("2 country, 1 far"), tiers("FR"));
    Client berlin = sample_client("DE");
    berlin.place = Place{52.5, 13.4};
    const MirrorTable table(1, {cdn, french});
    const Candidate best = rank_all(berlin, table).accepted.front();
    CPPUNIT_ASSERT_DOUBLES_EQUAL(420, best.distance_km, 20);
    CPPUNIT_ASSERT(best.country == country("DE") && best.region == Region::EU);
  }

  void survivesAbsurdTables() {
    std::vector<Mirror> mirrors;
    for (MirrorId id = 1; id <= 8; ++id) mirrors.push_back(sample_mirror(id, id % 2 ? "US" : ""));
    mirrors[0].place = Place{NAN, NAN};
    mirrors[1].place = Place{INFINITY, 1e300};
    mirrors[2].place = Place{-1e9, 1e9};
    mirrors[3].weight = INT32_MAX;
    mirrors[4].file_maxsize = -1;
    const MirrorTable table(INT64_MIN, mirrors);
    for (const double scale :
         {0.0, -1.0, 1e-300, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
      for (const std::int64_t extreme : {INT64_MIN, INT64_MAX, std::int64_t{0}}) {
        const RankSettings settings{
            .distance_scale_km = scale, .as_limit_km = scale, .sticky_s = extreme};
        const Ranking ranking =
            rank_all(german(), table, {.size_bytes = extreme, .now_s = extreme}, settings);
        CPPUNIT_ASSERT_EQUAL(std::size_t{8}, ranking.accepted.size());
      }
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RankTest);

}  // namespace mirror
