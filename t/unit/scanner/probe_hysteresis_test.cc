#include "scanner/probe/hysteresis.h"

#include <cppunit/extensions/HelperMacros.h>

#include "scanner/probe/fleet.h"

namespace mirror::probe::test {
namespace {

const Verdict kGood{};
const Verdict kBad{CheckOutcome::bad, "connection refused", false, false};
const Verdict kUnknown{CheckOutcome::unknown, "no route", false, false};

class ProbeHysteresisTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProbeHysteresisTest);
  CPPUNIT_TEST(takesTwoFailuresToGoDown);
  CPPUNIT_TEST(takesTwoSuccessesToComeUp);
  CPPUNIT_TEST(isUpAfterItsFirstGoodCheck);
  CPPUNIT_TEST(changesNothingForAnUnknownOutcome);
  CPPUNIT_TEST(keepsAFlappingWayDownForLonger);
  CPPUNIT_TEST(forgetsChangesAfterADay);
  CPPUNIT_TEST(takesAWrongFileForAnAnswer);
  CPPUNIT_TEST(keepsItemsWhoseMirrorStays);
  CPPUNIT_TEST(writesChangesAtOnceAndTheRestNowAndThen);
  CPPUNIT_TEST_SUITE_END();

 public:
  void takesTwoFailuresToGoDown() {
    Hysteresis way(State::up);
    CPPUNIT_ASSERT(!way.near_down() && !way.failing());
    CPPUNIT_ASSERT_EQUAL(10.0, way.take(kBad, 0, options_));
    CPPUNIT_ASSERT(way.state() == State::up && way.near_down() && way.failing());
    CPPUNIT_ASSERT_EQUAL(60.0, way.take(kGood, 10, options_));
    CPPUNIT_ASSERT(!way.near_down() && !way.failing());
    way.take(kBad, 70, options_);
    CPPUNIT_ASSERT_EQUAL(60.0, way.take(kBad, 80, options_));
    CPPUNIT_ASSERT(way.state() == State::down && !way.failing());
    CPPUNIT_ASSERT_EQUAL(std::string("connection refused"), way.reason());
  }

  void takesTwoSuccessesToComeUp() {
    Hysteresis way(State::down);
    CPPUNIT_ASSERT_EQUAL(10.0, way.take(kGood, 0, options_));
    CPPUNIT_ASSERT(way.state() == State::down && way.recovering());
    way.take(kBad, 10, options_);
    CPPUNIT_ASSERT(!way.recovering());
    way.take(kGood, 20, options_);
    CPPUNIT_ASSERT_EQUAL(60.0, way.take(kGood, 30, options_));
    CPPUNIT_ASSERT(way.state() == State::up && way.reason().empty());
  }

  void isUpAfterItsFirstGoodCheck() {
    Hysteresis way;
    way.take(kGood, 0, options_);
    CPPUNIT_ASSERT(way.state() == State::up);
    Hysteresis other;
    other.take(kBad, 0, options_);
    CPPUNIT_ASSERT(other.state() == State::unknown);
    other.take(kBad, 10, options_);
    CPPUNIT_ASSERT(other.state() == State::down);
  }

  void changesNothingForAnUnknownOutcome() {
    Hysteresis way(State::up);
    way.take(kBad, 0, options_);
    CPPUNIT_ASSERT_EQUAL(60.0, way.take(kUnknown, 10, options_));
    CPPUNIT_ASSERT(way.failing() && way.state() == State::up);
  }

  void takesAWrongFileForAnAnswer() {
    const Verdict wrong{CheckOutcome::wrong_file, "answers 404", false, false};
    Hysteresis way(State::up);
    way.take(kBad, 0, options_);
    CPPUNIT_ASSERT_EQUAL(60.0, way.take(wrong, 10, options_));
    CPPUNIT_ASSERT(!way.failing() && way.state() == State::up);
    for (int i = 0; i < 5; ++i) way.take(wrong, 70 + i, options_);
    CPPUNIT_ASSERT(way.state() == State::up);
    Hysteresis dead(State::down);
    dead.take(kGood, 0, options_);
    dead.take(wrong, 10, options_);
    CPPUNIT_ASSERT(dead.state() == State::down && !dead.recovering());
    CPPUNIT_ASSERT_EQUAL(std::string("answers 404"), dead.reason());
    Hysteresis fresh;
    fresh.take(wrong, 0, options_);
    CPPUNIT_ASSERT(fresh.state() == State::up);
  }

  void keepsAFlappingWayDownForLonger() {
    // With so many changes in the last day it has to be good for so long.
    const std::pair<std::size_t, double> cases[] = {{5, 10},  {6, 10},    {7, 120},   {8, 240},
                                                    {9, 480}, {11, 1920}, {12, 3600}, {60, 3600}};
    for (const auto& [changes, held_s] : cases) {
      Hysteresis way(State::down, std::deque<double>(changes, 1000));
      double now_s = 1000;
      while (way.state() == State::down) now_s += way.take(kGood, now_s, options_);
      const double up_s = now_s - 60 - 1000;
      CPPUNIT_ASSERT_MESSAGE(std::to_string(changes) + " " + std::to_string(up_s),
                             up_s >= held_s && up_s <= held_s + 60);
    }
    HysteresisOptions once = options_;
    once.holds_flapping = false;
    Hysteresis way(State::down, std::deque<double>(60, 0));
    way.take(kGood, 0, once);
    way.take(kGood, 10, once);
    CPPUNIT_ASSERT(way.state() == State::up);
  }

  void forgetsChangesAfterADay() {
    Hysteresis way(State::down, std::deque<double>(60, 0));
    way.take(kGood, 86401, options_);
    way.take(kGood, 86411, options_);
    CPPUNIT_ASSERT(way.state() == State::up);
  }

  void keepsItemsWhoseMirrorStays() {
    Fleet fleet;
    fleet.set_mirrors({record(1), record(2)}, 0, 0);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, fleet.items().size());
    const Item* const first = fleet.items().front();
    fleet.items().back()->running = true;
    fleet.set_mirrors({record(1)}, 1, 0);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, fleet.items().size());  // until its check has ended
    CPPUNIT_ASSERT(fleet.items().back()->removed);
    fleet.items().back()->running = false;
    fleet.set_mirrors({record(1), record(3)}, 2, 0);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, fleet.items().size());
    CPPUNIT_ASSERT(fleet.items().front() == first);
  }

  void writesChangesAtOnceAndTheRestNowAndThen() {
    Fleet fleet;
    fleet.set_mirrors({record(1)}, 0, 0);
    const Way way{false, Family::ipv4}, unclaimed{true, Family::ipv6};
    const auto dropped = fleet.set_stored({{1, way, "down", "connection refused", {}, {}},
                                           {1, unclaimed, "down", "x", {}, {}},
                                           {2, unclaimed, "down", "x", {}, {}}},
                                          {}, 0);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, dropped.size());
    CPPUNIT_ASSERT(dropped[0].second == unclaimed);
    Item& item = *fleet.items().front();
    CPPUNIT_ASSERT(item.hysteresis.state() == State::down);
    CPPUNIT_ASSERT(fleet.unwritten(1).empty());
    CPPUNIT_ASSERT_EQUAL(std::string("connection refused"), row_of(item).reason);
    item.hysteresis.take(kGood, 1, options_);
    item.hysteresis.take(kGood, 11, options_);
    item.settled = true;
    const auto rows = fleet.unwritten(11);
    CPPUNIT_ASSERT(rows.size() == 1 && rows[0].state == "up" && rows[0].reason.empty());
    fleet.written(rows, 11);
    CPPUNIT_ASSERT(fleet.unwritten(12).empty() && fleet.unwritten(300).empty());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, fleet.unwritten(311).size());
  }

 private:
  static db::MirrorRecord record(MirrorId id) {
    db::MirrorRecord record;
    record.mirror.id = id;
    record.mirror.http_url = "http://m.example/";
    return record;
  }

  const HysteresisOptions options_{};
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProbeHysteresisTest);

}  // namespace
}  // namespace mirror::probe::test
