#include <bit>

#include "rank/rank.h"
#include "samples.h"

namespace mirror {

// rank_first() against rank(), over thousands of random tables and clients.
class RankFirstTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RankFirstTest);
  CPPUNIT_TEST(isTheHeadOfTheRanking);
  CPPUNIT_TEST(isTheHeadOfALargeRanking);
  CPPUNIT_TEST(nobodyIsAFineAnswer);
  CPPUNIT_TEST_SUITE_END();

  using Random = std::mt19937;
  static constexpr MirrorId kUnknownId = 9999;

  static bool chance(Random& random, int percent) {
    return random() % 100 < static_cast<unsigned>(percent);
  }

  static CountryCode some_country(Random& random) {
    static const char* const codes[] = {"DE", "FR", "US", "BR", "JP", "AU", "ZA", "", "**"};
    return country(codes[random() % 9]);
  }

  static std::vector<CountryCode> some_countries(Random& random, int percent) {
    std::vector<CountryCode> countries;
    while (chance(random, percent)) countries.push_back(some_country(random));
    return countries;
  }

  static std::optional<Place> some_place(Random& random, int percent) {
    if (!chance(random, percent)) return std::nullopt;
    return Place{static_cast<double>(random() % 181) - 90,
                 static_cast<double>(random() % 361) - 180};
  }

  static Mirror some_mirror(Random& random, MirrorId id, int odd_percent) {
    Mirror mirror = sample_mirror(id);
    mirror.country = some_country(random);
    mirror.place = some_place(random, 90);
    mirror.weight = static_cast<int>(random() % 200);
    mirror.asn = random() % 4;
    mirror.ipv6 = chance(random, 50);
    mirror.ipv4 = !chance(random, 5);
    if (chance(random, 20)) mirror.https_url.clear();
    if (chance(random, 10)) mirror.http_url.clear();
    mirror.enabled = !chance(random, 5);
    mirror.online = !chance(random, 5);
    for (const Way way : kWays) {
      if (chance(random, 5)) mirror.down.add(way);
    }
    if (chance(random, 5)) mirror.standing = Standing::stale;
    mirror.prefix_only = chance(random, odd_percent);
    mirror.as_only = chance(random, odd_percent);
    mirror.country_only = chance(random, odd_percent);
    mirror.region_only = chance(random, odd_percent);
    if (chance(random, odd_percent)) mirror.file_maxsize = 1000;
    for (const char* text : {"192.0.0.0/16", "192.0.2.0/24", "192.0.2.0/28", "2001:db8::/32"}) {
      if (chance(random, odd_percent / 2)) mirror.prefixes.push_back(prefix(text));
    }
    if (chance(random, 30)) mirror.region = static_cast<Region>(random() % kRegions);
    while (chance(random, odd_percent / 2)) {
      CountryCode at = some_country(random);
      const auto place = some_place(random, 100);
      if (!at.everyone() && place) mirror.places.push_back({*place, at});
    }
    if (chance(random, odd_percent)) mirror.served_as = {2};
    mirror.other_countries = some_countries(random, odd_percent);
    mirror.excluded_countries = some_countries(random, odd_percent);
    return mirror;
  }

  static Client some_client(Random& random) {
    Client client = sample_client("", chance(random, 50) ? "192.0.2.7" : "2001:db8::7");
    client.address.bytes[2] = static_cast<std::uint8_t>(random() % 3);
    do client.country = some_country(random);
    while (client.country.everyone());
    client.region =
        chance(random, 80) ? region_of(client.country) : static_cast<Region>(random() % kRegions);
    client.place = some_place(random, 60);
    client.asn = random() % 4;
    client.overridden = chance(random, 10);
    return client;
  }

  static std::string bits_of(const std::vector<MirrorId>& ids) {
    std::vector<std::uint64_t> words(kUnknownId / 64 + 1);
    for (const MirrorId id : ids)
      words[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << id % 64;
    return {reinterpret_cast<const char*>(words.data()), words.size() * sizeof words[0]};
  }

  static void compare(Random& random, int mirrors, int odd_percent) {
    std::vector<Mirror> all;
    for (int id = 1; id <= mirrors; ++id)
      all.push_back(some_mirror(random, static_cast<MirrorId>(id), odd_percent));
    const MirrorTable table(1, all);
    std::vector<MirrorId> ids = all_ids(table);
    ids.push_back(kUnknownId);
    const std::string bits = bits_of(ids);
    for (int round = 0; round < 20; ++round) {
      const Client client = some_client(random);
      const RankRequest request{chance(random, 50), static_cast<std::int64_t>(random() % 2000),
                                static_cast<std::int64_t>(random()), chance(random, 50)};
      const RankSettings settings{chance(random, 10) ? 0.0 : 200.0};
      const std::size_t how_many = random() % 8;
      const Ranking whole = rank(client, request, ids, table, settings);
      expect_same(whole, rank_first(how_many, client, request, ids, table, settings), how_many);
      expect_same(whole,
                  rank_first(how_many, client, request, MirrorSet::of_bits(bits), table, settings),
                  how_many);
    }
  }

  static void expect_same(const Ranking& whole, const std::vector<Candidate>& first,
                          std::size_t how_many) {
    CPPUNIT_ASSERT_EQUAL(std::min(how_many, whole.accepted.size()), first.size());
    for (std::size_t i = 0; i < first.size(); ++i) {
      const Candidate &expected = whole.accepted[i], &found = first[i];
      CPPUNIT_ASSERT_EQUAL(expected.mirror->id, found.mirror->id);
      CPPUNIT_ASSERT_EQUAL(tier_name(expected.tier), tier_name(found.tier));
      CPPUNIT_ASSERT(expected.speaks_family == found.speaks_family &&
                     expected.oversized == found.oversized);
      CPPUNIT_ASSERT_EQUAL(expected.prefix_bits, found.prefix_bits);
      CPPUNIT_ASSERT_EQUAL(std::bit_cast<std::uint64_t>(expected.distance_km),
                           std::bit_cast<std::uint64_t>(found.distance_km));
      CPPUNIT_ASSERT_DOUBLES_EQUAL(expected.effective_weight, found.effective_weight,
                                   expected.effective_weight * 1e-12);
    }
  }

 public:
  void isTheHeadOfTheRanking() {
    Random random(11);
    for (int table = 0; table < 400; ++table)
      compare(random, static_cast<int>(random() % 12), table % 3 * 15);
  }

  void isTheHeadOfALargeRanking() {
    Random random(12);
    for (int table = 0; table < 30; ++table) compare(random, 300, table % 2 * 5);
  }

  void nobodyIsAFineAnswer() {
    CPPUNIT_ASSERT(rank_first(5, sample_client(), {}, {}, MirrorTable(), {}).empty());
    CPPUNIT_ASSERT(rank_first(0, sample_client(), {}, all_ids(MirrorTable(1, {sample_mirror(1)})),
                              MirrorTable(1, {sample_mirror(1)}), {})
                       .empty());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RankFirstTest);

}  // namespace mirror
