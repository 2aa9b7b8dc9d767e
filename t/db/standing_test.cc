// Doubts about a mirror come and go one by one, and its standing is the worst of them.
#include "db/mirror/standing.h"

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <thread>

#include "db/mirror/mirrors.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

class StandingTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StandingTest);
  CPPUNIT_TEST(theWorstDoubtIsTheStanding);
  CPPUNIT_TEST(aMirrorIsStaleForAsLongAsOneReasonStands);
  CPPUNIT_TEST(aDoubtOnceKnownWritesNothing);
  CPPUNIT_TEST(anotherReasonKeepsTheTime);
  CPPUNIT_TEST(eachChangeOfTheStandingIsAnEvent);
  CPPUNIT_TEST(anyReasonCanBeStored);
  CPPUNIT_TEST(doubtsOfADeletedMirrorGo);
  CPPUNIT_TEST(doubtsSetAtOnceLeaveTheWorst);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    database_ = std::make_unique<TestDatabase>();
    connection_ = std::make_unique<Connection>(database_->connect());
    id_ = add_mirror(*connection_, "one");
  }

  void tearDown() override {
    connection_.reset();
    database_.reset();
  }

  void theWorstDoubtIsTheStanding() {
    CPPUNIT_ASSERT(set_doubt(c(), id_, DoubtKind::scans, "3 days behind"));
    CPPUNIT_ASSERT_EQUAL(std::string("stale 3 days behind"), standing());
    CPPUNIT_ASSERT(set_doubt(c(), id_, DoubtKind::wrong, "other files"));
    CPPUNIT_ASSERT(set_doubt(c(), id_, DoubtKind::returning, "was down"));
    CPPUNIT_ASSERT_EQUAL(std::string("wrong other files"), standing());
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, read_doubts(c(), id_).size());
    CPPUNIT_ASSERT(read_doubts(c(), id_)[1].kind == DoubtKind::returning);
    CPPUNIT_ASSERT(clear_doubt(c(), id_, DoubtKind::wrong));
    CPPUNIT_ASSERT(!clear_doubt(c(), id_, DoubtKind::wrong));
    CPPUNIT_ASSERT_EQUAL(std::string("returning was down"), standing());
    CPPUNIT_ASSERT(clear_doubt(c(), id_, DoubtKind::scans));
    CPPUNIT_ASSERT_EQUAL(std::string("returning was down"), standing());
    CPPUNIT_ASSERT(clear_doubt(c(), id_, DoubtKind::returning));
    CPPUNIT_ASSERT_EQUAL(std::string("good"), standing());
    CPPUNIT_ASSERT(find_mirror(c(), "one")->mirror.standing == Standing::good);
  }

  // Each way to be stale comes and goes by itself.
  void aMirrorIsStaleForAsLongAsOneReasonStands() {
    set_doubt(c(), id_, DoubtKind::files, "old files");
    CPPUNIT_ASSERT_EQUAL(std::string("stale old files"), standing());
    set_doubt(c(), id_, DoubtKind::stamp, "old stamp");
    CPPUNIT_ASSERT_EQUAL(std::string("stale old stamp"), standing());
    set_doubt(c(), id_, DoubtKind::scans, "old scan");
    CPPUNIT_ASSERT_EQUAL(std::string("stale old scan"), standing());
    clear_doubt(c(), id_, DoubtKind::scans);
    clear_doubt(c(), id_, DoubtKind::stamp);
    CPPUNIT_ASSERT_EQUAL(std::string("stale old files"), standing());
    clear_doubt(c(), id_, DoubtKind::files);
    CPPUNIT_ASSERT_EQUAL(std::string("good"), standing());
    CPPUNIT_ASSERT_EQUAL(std::string("2"), value(c(),
                                                 "SELECT count(*) FROM event WHERE what = "
                                                 "'standing'"));
  }

  void aDoubtOnceKnownWritesNothing() {
    set_doubt(c(), id_, DoubtKind::scans, "old");
    const std::string before = value(c(), kVersions);
    CPPUNIT_ASSERT(!set_doubt(c(), id_, DoubtKind::scans, "old"));
    CPPUNIT_ASSERT(!clear_doubt(c(), id_, DoubtKind::wrong));
    CPPUNIT_ASSERT_EQUAL(before, value(c(), kVersions));
  }

  void anotherReasonKeepsTheTime() {
    set_doubt(c(), id_, DoubtKind::scans, "2 days behind");
    c().script("UPDATE doubt SET since = to_timestamp(1000)");
    CPPUNIT_ASSERT(!set_doubt(c(), id_, DoubtKind::scans, "3 days behind"));
    CPPUNIT_ASSERT_EQUAL(std::string("stale 3 days behind"), standing());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1000}, read_doubts(c(), id_)[0].since_s);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1000}, find_mirror(c(), "one")->standing_since_s.value());
  }

  void eachChangeOfTheStandingIsAnEvent() {
    set_doubt(c(), id_, DoubtKind::scans, "a");
    set_doubt(c(), id_, DoubtKind::wrong, "b");
    set_doubt(c(), id_, DoubtKind::returning, "c");
    clear_doubt(c(), id_, DoubtKind::wrong);
    clear_doubt(c(), id_, DoubtKind::returning);
    clear_doubt(c(), id_, DoubtKind::scans);
    CPPUNIT_ASSERT_EQUAL(
        std::string("good>stale a|stale>wrong b|wrong>returning c|returning>stale a|stale>good"),
        value(c(),
              "SELECT string_agg(concat_ws(' ', \"from\" || '>' || \"to\", nullif(why, '')), '|' "
              "ORDER BY id) FROM event WHERE what = 'standing'"));
  }

  void anyReasonCanBeStored() {
    set_doubt(c(), id_, DoubtKind::wrong, "two\nlines\x01 \xff");
    CPPUNIT_ASSERT(standing().starts_with("wrong two"));
    std::string umlauts;
    for (int i = 0; i < 400; ++i) umlauts += "\xc3\xa4";
    set_doubt(c(), id_, DoubtKind::wrong, "x" + umlauts);
    CPPUNIT_ASSERT_EQUAL(std::string("499"),
                         value(c(), "SELECT octet_length(standing_reason) FROM mirror"));
  }

  void doubtsOfADeletedMirrorGo() {
    set_doubt(c(), id_, DoubtKind::wrong, "x");
    delete_mirror(c(), id_);
    CPPUNIT_ASSERT_EQUAL(std::string("0"), value(c(), "SELECT count(*) FROM doubt"));
    CPPUNIT_ASSERT(!set_doubt(c(), id_, DoubtKind::wrong, "x"));
    CPPUNIT_ASSERT(!clear_doubt(c(), id_, DoubtKind::wrong));
  }

  void doubtsSetAtOnceLeaveTheWorst() {
    Connection prober = database_->connect("mirror_scanner"),
               scanner = database_->connect("mirror_scanner");
    for (int round = 0; round < 20; ++round) {
      std::jthread other([&] { set_doubt(prober, id_, DoubtKind::wrong, "x"); });
      set_doubt(scanner, id_, DoubtKind::scans, "y");
      other.join();
      CPPUNIT_ASSERT_EQUAL(std::string("wrong x"), standing());
      clear_doubt(c(), id_, DoubtKind::wrong);
      CPPUNIT_ASSERT_EQUAL(std::string("stale y"), standing());
      clear_doubt(c(), id_, DoubtKind::scans);
    }
  }

 private:
  static constexpr const char* kVersions =
      "SELECT concat(mirror.xmin, ' ', doubt.xmin) FROM mirror, doubt";

  // Every test method has an object of its own from the start on, and the server has few slots.
  Connection& c() { return *connection_; }

  std::string standing() {
    return value(c(), "SELECT concat_ws(' ', standing, nullif(standing_reason, '')) FROM mirror");
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Connection> connection_;
  MirrorId id_ = 0;
};
CPPUNIT_TEST_SUITE_REGISTRATION(StandingTest);

}  // namespace
}  // namespace mirror::db::test
