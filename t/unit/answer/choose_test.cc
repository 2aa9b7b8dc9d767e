#include "answer/choose.h"

#include "answer/first_arrival.h"
#include "samples.h"

namespace mirror {

class ChooseTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ChooseTest);
  CPPUNIT_TEST(sendsWhoAsksAgainToTheNextMirror);
  CPPUNIT_TEST(passesMirrorsThatAreFull);
  CPPUNIT_TEST(sendsNobodyWhereAllAreFull);
  CPPUNIT_TEST(leavesOutWhatTheClientAvoids);
  CPPUNIT_TEST(sendsAsManyClientsAsFewMirrorsCanBear);
  CPPUNIT_TEST(limitsOnlyLargeNewFiles);
  CPPUNIT_TEST(answersTheOthersAsConfigured);
  CPPUNIT_TEST_SUITE_END();

  static constexpr int kMirrors = 10;

  Request request_{.path = "iso"};
  Client client_ = sample_client("DE");
  File file_{"iso", 100'000'000, 784111777, first_ids(kMirrors), false};
  std::vector<Mirror> mirrors_;
  Settings settings_;
  bool at_cap_ = false;

 public:
  void setUp() override {
    request_.now_s = 1'795'600'000;
    for (MirrorId id = 1; id <= kMirrors; ++id) mirrors_.push_back(sample_mirror(id));
  }

 private:
  std::vector<MirrorId> ids(std::size_t how_many) {
    const MirrorTable table(1, mirrors_);
    const Mirror* itself = nullptr;
    std::vector<MirrorId> result;
    at_cap_ = false;
    for (const Candidate& candidate :
         chosen(how_many, request_, client_, file_, table, settings_, itself, at_cap_))
      result.push_back(candidate.mirror->id);
    return result;
  }

  void sendsWhoAsksAgainToTheNextMirror() {
    const std::vector<MirrorId> all = ids(kMirrors);
    for (std::size_t turn = 0; turn < 9; ++turn) {
      request_.turn = turn;
      const std::vector<MirrorId> now = ids(3);
      CPPUNIT_ASSERT_EQUAL(std::size_t{3}, now.size());
      for (std::size_t i = 0; i < 3; ++i) CPPUNIT_ASSERT_EQUAL(all[turn % kMostTurns + i], now[i]);
    }
    mirrors_.resize(2);
    const MirrorId best = (request_.turn = 0, ids(1).front());
    request_.turn = 1;
    CPPUNIT_ASSERT(best != ids(1).front());
    request_.turn = 2;
    CPPUNIT_ASSERT_EQUAL(best, ids(1).front());
  }

  void passesMirrorsThatAreFull() {
    const std::vector<MirrorId> all = ids(kMirrors);
    for (Mirror& mirror : mirrors_) mirror.max_mbit = mirror.id % 2 == 0 ? 100 : 0;
    request_.is_full = [](const Mirror&) { return true; };
    std::vector<MirrorId> odd;
    for (const MirrorId id : all) {
      if (id % 2 == 1) odd.push_back(id);
    }
    CPPUNIT_ASSERT(odd == ids(kMirrors));
    odd.resize(1);
    CPPUNIT_ASSERT(odd == ids(1));
  }

  void sendsNobodyWhereAllAreFull() {
    for (Mirror& mirror : mirrors_) mirror.max_mbit = 1;
    CPPUNIT_ASSERT_EQUAL(std::size_t{6}, ids(6).size());  // nobody counts
    request_.is_full = [](const Mirror&) { return true; };
    CPPUNIT_ASSERT(ids(6).empty());
    CPPUNIT_ASSERT(at_cap_);
    const Outcome outcome = decided();
    CPPUNIT_ASSERT(std::get<DeclineReason>(outcome.result) == DeclineReason::traffic);
    CPPUNIT_ASSERT(outcome.no_mirror);
  }

  void leavesOutWhatTheClientAvoids() {
    request_.query = Query("avoid=m3,nobody,m%34&avoid=m5");
    const std::vector<MirrorId> now = ids(kMirrors);
    CPPUNIT_ASSERT_EQUAL(std::size_t{7}, now.size());
    for (const MirrorId id : {3, 4, 5})
      CPPUNIT_ASSERT_EQUAL(0, int(std::count(now.begin(), now.end(), id)));
    const std::vector<MirrorId> head = ids(2);
    CPPUNIT_ASSERT(std::vector(now.begin(), now.begin() + 2) == head);
  }

  Outcome decided() const {
    const MirrorTable table(1, mirrors_);
    Outcome outcome = decide(request_, client_, file_, table, settings_);
    outcome.mirror = outcome.itself = nullptr;  // the table goes
    return outcome;
  }

  bool redirected() const {
    const Outcome outcome = decided();
    const auto* answer = std::get_if<Outcome::Answer>(&outcome.result);
    return answer != nullptr && answer->status == 302;
  }

  void sendsAsManyClientsAsFewMirrorsCanBear() {
    file_.new_since_s = request_.now_s - 600;
    constexpr std::uint32_t kClients = 4000;
    for (const std::size_t with_file : {1, 2, 3}) {
      file_.mirrors = first_ids(with_file);
      const double expected = std::min(1.0, 4.0 * static_cast<double>(with_file) / kMirrors);
      int sent = 0, same = 0;
      for (std::uint32_t n = 0; n < kClients; ++n) {
        client_.address = nth_address(n);
        const bool now = redirected();
        sent += now;
        same += now == redirected();
      }
      CPPUNIT_ASSERT_EQUAL(int(kClients), same);
      CPPUNIT_ASSERT_DOUBLES_EQUAL(expected, sent / double(kClients), 0.04);
    }
  }

  void limitsOnlyLargeNewFiles() {
    const MirrorTable table(1, mirrors_);
    file_.mirrors = first_ids(1);
    const auto share = [&] {
      return mirrored_share(file_, table, settings_.first_arrival, request_.now_s);
    };
    CPPUNIT_ASSERT_EQUAL(1.0, share());
    file_.new_since_s = request_.now_s - kNewForS + 1;
    CPPUNIT_ASSERT_DOUBLES_EQUAL(0.4, share(), 1e-9);
    settings_.first_arrival.factor = 0;
    CPPUNIT_ASSERT_EQUAL(1.0, share());
    settings_.first_arrival.factor = 1;
    CPPUNIT_ASSERT_DOUBLES_EQUAL(0.1, share(), 1e-9);
    file_.size_bytes = settings_.first_arrival.min_size_bytes - 1;
    CPPUNIT_ASSERT_EQUAL(1.0, share());
    file_.size_bytes = settings_.first_arrival.min_size_bytes;
    file_.new_since_s = request_.now_s - kNewForS;
    CPPUNIT_ASSERT_EQUAL(1.0, share());
  }

  void answersTheOthersAsConfigured() {
    file_.new_since_s = request_.now_s;
    file_.mirrors = first_ids(1);
    const auto fallbacks = std::vector<Fallback>{{"", "", "http://all.example/"}};
    settings_.fallbacks = fallbacks;
    for (std::uint32_t n = 0; is_among(0.4, client_.address, request_.now_s); ++n)
      client_.address = nth_address(n);
    settings_.first_arrival.rest = FirstArrivalRest::origin;
    CPPUNIT_ASSERT(std::get<DeclineReason>(decided().result) == DeclineReason::first_arrival);
    settings_.first_arrival.rest = FirstArrivalRest::fallback;
    CPPUNIT_ASSERT_EQUAL(302, std::get<Outcome::Answer>(decided().result).status);
    settings_.first_arrival.rest = FirstArrivalRest::unavailable;
    const auto answer = std::get<Outcome::Answer>(decided().result);
    CPPUNIT_ASSERT_EQUAL(503, answer.status);
    bool later = false;
    for (const auto& [name, value] : answer.headers) later |= name == "Retry-After";
    CPPUNIT_ASSERT(later);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ChooseTest);

}  // namespace mirror
