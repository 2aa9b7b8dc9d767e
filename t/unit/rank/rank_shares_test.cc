// Who gets how many clients, and who moves when: the statistics of ranking, over the same
// pseudo-random clients in every run.
#include <cmath>
#include <map>

#include "rank/rank.h"
#include "samples.h"

namespace mirror {

constexpr int kClients = 20'000;
constexpr std::int64_t kNow = 1'795'600'000, kSlot = 3600;

MirrorId winner(const Client& client, const MirrorTable& table, std::int64_t now_s = kNow) {
  return rank_all(client, table, {.now_s = now_s}).accepted.front().mirror->id;
}

Client nth_client(int n) {
  Client client = sample_client("DE");
  client.address = nth_address(static_cast<std::uint32_t>(n));
  return client;
}

// Pearson's statistic for the first mirrors of many clients.
double chi_square(const MirrorTable& table, const std::map<MirrorId, double>& weights,
                  const std::vector<Client>& clients) {
  std::map<MirrorId, int> seen;
  for (const Client& client : clients) ++seen[winner(client, table)];
  double sum = 0, statistic = 0;
  for (const auto& [id, weight] : weights) sum += weight;
  for (const auto& [id, weight] : weights) {
    const double expected = static_cast<double>(clients.size()) * weight / sum;
    statistic += std::pow(seen[id] - expected, 2) / expected;
  }
  return statistic;
}

class RankSharesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RankSharesTest);
  CPPUNIT_TEST(sharesAreExactlyTheWeights);
  CPPUNIT_TEST(sharesAreExactWithDistances);
  CPPUNIT_TEST(sharesAreExactOverTimeForOneClient);
  CPPUNIT_TEST(sharesAreExactForIpv6Neighbours);
  CPPUNIT_TEST(losingOneOfTenMovesOnlyItsClients);
  CPPUNIT_TEST(aClientStaysForItsSlot);
  CPPUNIT_TEST(clientsDoNotMoveAllAtOnce);
  CPPUNIT_TEST(aSlash64IsOneClient);
  CPPUNIT_TEST_SUITE_END();

  static constexpr double kLimit5 = 20.5;  // exceeded once in a thousand at 5 degrees of freedom

  static std::vector<Client> clients() {
    std::vector<Client> clients;
    for (int n = 0; n < kClients; ++n) clients.push_back(nth_client(n));
    return clients;
  }

  static MirrorTable ten_equal() {
    std::vector<Mirror> mirrors;
    for (MirrorId id = 1; id <= 10; ++id) mirrors.push_back(sample_mirror(id));
    return MirrorTable(1, mirrors);
  }

  static std::pair<MirrorTable, std::map<MirrorId, double>> six_weighted() {
    std::vector<Mirror> mirrors;
    std::map<MirrorId, double> weights;
    for (const int weight : {100, 100, 50, 200, 10, 333}) {
      mirrors.push_back(sample_mirror(static_cast<MirrorId>(mirrors.size() + 1)));
      mirrors.back().weight = weight;
      weights[mirrors.back().id] = weight;
    }
    return {MirrorTable(1, mirrors), weights};
  }

 public:
  void sharesAreExactlyTheWeights() {
    const auto [table, weights] = six_weighted();
    const double statistic = chi_square(table, weights, clients());
    CPPUNIT_ASSERT_MESSAGE(std::to_string(statistic), statistic < kLimit5);
    auto wrong = weights;
    wrong[1] = 110;  // the test notices a tenth
    CPPUNIT_ASSERT(chi_square(table, wrong, clients()) > kLimit5);
  }

  void sharesAreExactWithDistances() {
    std::vector<Mirror> mirrors;
    std::map<MirrorId, double> weights;
    const Place here{50, 10};
    const struct {
      const char* country;
      Place place;
      int weight;
    } cases[] = {{"FR", {48.9, 2.4}, 100}, {"FR", {43.3, 5.4}, 300},   {"US", {40.7, -74}, 1000},
                 {"PL", {52.2, 21}, 40},   {"JP", {35.7, 139.7}, 500}, {"GB", {51.5, -0.1}, 100}};
    for (const auto& [code, place, weight] : cases) {
      mirrors.push_back(sample_mirror(static_cast<MirrorId>(mirrors.size() + 1), code));
      mirrors.back().place = place;
      mirrors.back().weight = weight;
      const int own_region = region_of(country(code)) == Region::EU ? 2 : 1;
      const double nearest_km = distance_km(here, cases[0].place);
      const double beyond = (distance_km(here, place) - nearest_km) / (200 + nearest_km / 4);
      weights[mirrors.back().id] = own_region * weight / std::pow(1 + beyond * beyond, 2);
    }
    std::vector<Client> germans = clients();
    for (Client& client : germans) client.place = here;
    const double statistic = chi_square(MirrorTable(1, mirrors), weights, germans);
    CPPUNIT_ASSERT_MESSAGE(std::to_string(statistic), statistic < kLimit5);
  }

  void sharesAreExactOverTimeForOneClient() {
    const auto [table, weights] = six_weighted();
    std::map<MirrorId, int> seen;
    for (int slot = 0; slot < kClients; ++slot)
      ++seen[winner(nth_client(1), table, kNow + slot * kSlot)];
    CPPUNIT_ASSERT_DOUBLES_EQUAL(333.0 / 793, static_cast<double>(seen[6]) / kClients, 0.012);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(10.0 / 793, static_cast<double>(seen[5]) / kClients, 0.003);
  }

  void sharesAreExactForIpv6Neighbours() {
    const auto [table, weights] = six_weighted();
    std::vector<Client> neighbours;
    for (int n = 0; n < kClients; ++n) {
      neighbours.push_back(sample_client("DE", "2001:db8::1"));
      neighbours.back().address.bytes[6] = static_cast<std::uint8_t>(n >> 8);
      neighbours.back().address.bytes[7] = static_cast<std::uint8_t>(n);
    }
    const double statistic = chi_square(table, weights, neighbours);
    CPPUNIT_ASSERT_MESSAGE(std::to_string(statistic), statistic < kLimit5);
  }

  void losingOneOfTenMovesOnlyItsClients() {
    const MirrorTable ten = ten_equal();
    std::vector<Mirror> nine = ten.all();
    nine.erase(nine.begin() + 3);
    const MirrorTable without_four(2, nine);
    int moved = 0;
    for (int n = 0; n < kClients; ++n) {
      const Client client = nth_client(n);
      const MirrorId before = winner(client, ten), after = winner(client, without_four);
      if (before != after) ++moved;
      CPPUNIT_ASSERT(before == after || before == 4);
    }
    CPPUNIT_ASSERT_DOUBLES_EQUAL(0.1, static_cast<double>(moved) / kClients, 0.008);
  }

  void aClientStaysForItsSlot() {
    const MirrorTable table = ten_equal();
    int moves = 0;
    for (int n = 0; n < 1000; ++n) {
      const Client client = nth_client(n);
      int changes = 0;
      for (std::int64_t now_s = kNow; now_s < kNow + kSlot; now_s += 100) {
        changes += winner(client, table, now_s) != winner(client, table, now_s + 100);
      }
      CPPUNIT_ASSERT(changes <= 1);
      moves += changes;
    }
    CPPUNIT_ASSERT_DOUBLES_EQUAL(0.9, moves / 1000.0,
                                 0.05);  // the tenth that stays met the same mirror again
    for (const std::int64_t now_s : {kNow, kNow + kSlot, kNow + 1000 * kSlot}) {
      const RankRequest request{.now_s = now_s};
      const RankSettings for_ever{.sticky_s = 0};
      CPPUNIT_ASSERT_EQUAL(text(rank_all(nth_client(1), table, {}, for_ever)),
                           text(rank_all(nth_client(1), table, request, for_ever)));
    }
  }

  void clientsDoNotMoveAllAtOnce() {
    const MirrorTable table = ten_equal();
    constexpr int kMinutes = 60, kSample = 1000;
    std::array<int, kMinutes> moves{};
    for (int n = 0; n < kSample; ++n) {
      const Client client = nth_client(n);
      for (int minute = 0; minute < kMinutes; ++minute) {
        const std::int64_t now_s = kNow + minute * 60;
        moves[minute] += winner(client, table, now_s) != winner(client, table, now_s + 60);
      }
    }
    for (const int moved : moves) CPPUNIT_ASSERT(moved > 0 && moved < kSample / 20);
  }

  void aSlash64IsOneClient() {
    const MirrorTable table = ten_equal();
    const auto order = [&](std::string_view address) {
      return text(rank_all(sample_client("DE", address), table));
    };
    CPPUNIT_ASSERT_EQUAL(order("2001:db8::1"), order("2001:db8::ffff:ffff:ffff:ffff"));
    CPPUNIT_ASSERT(order("2001:db8::1") != order("2001:db8:0:1::1"));
    CPPUNIT_ASSERT(order("192.0.2.1") != order("192.0.2.2"));
    CPPUNIT_ASSERT(order("64:ff9b::192.0.2.1") != order("64:ff9b::192.0.2.2"));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RankSharesTest);

}  // namespace mirror
