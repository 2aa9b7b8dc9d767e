// What the database makes of a mirror's health and standing: redirectors hear of what matters to
// them, and each change is an event.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include "db/lookup.h"
#include "db/mirror/health.h"
#include "db/mirror/mirrors.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

class HealthTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HealthTest);
  CPPUNIT_TEST(onlyWhatRedirectsHeedRaisesTheRevision);
  CPPUNIT_TEST(eachChangeIsAnEvent);
  CPPUNIT_TEST(aMirrorIsReadWithWhatIsDownAndWhy);
  CPPUNIT_TEST(eventsOutliveTheirMirror);
  CPPUNIT_TEST(availabilityIsTheShareOfTimeNotDown);
  CPPUNIT_TEST(onlyTheScannerWritesHealthAndNobodyEvents);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    id_ = add_mirror(c_, "one");
    c_.script("INSERT INTO health (mirror_id, scheme, family) VALUES (1, 'https', 'ipv6')");
  }

  void onlyWhatRedirectsHeedRaisesTheRevision() {
    const std::pair<const char*, bool> changes[] = {
        {"UPDATE health SET state = 'up', since = now(), checked = now(), latency_ms = 3", false},
        {"UPDATE health SET reason = 'slow', checked = now()", false},
        {"UPDATE health SET state = 'down', reason = 'connection refused'", true},
        {"UPDATE health SET checked = now(), certificate_end = now()", false},
        {"UPDATE health SET reason = 'time-out'", true},
        {"UPDATE health SET state = 'up', reason = ''", true},
        {"INSERT INTO health (mirror_id, scheme, family) VALUES (1, 'http', 'ipv4')", false},
        {"INSERT INTO health (mirror_id, scheme, family, state) VALUES (1, 'http', 'ipv6', 'down')",
         true},
        {"DELETE FROM health WHERE state = 'up'", false},
        {"DELETE FROM health WHERE state = 'down'", true},
        {"UPDATE mirror SET standing = 'stale', standing_reason = '3 days behind'", true},
        {"UPDATE mirror SET standing_since = now()", false},
    };
    for (const auto& [change, heard] : changes) {
      const std::string before = value(c_, "SELECT rev FROM mirror_rev");
      c_.script(change);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(change, heard,
                                   value(c_, "SELECT rev FROM mirror_rev") != before);
    }
  }

  void eachChangeIsAnEvent() {
    c_.script(
        "UPDATE health SET state = 'up'; UPDATE health SET checked = now();"
        "UPDATE health SET state = 'down', reason = 'connection refused';"
        "UPDATE mirror SET standing = 'wrong', standing_reason = 'other files';"
        "UPDATE mirror SET enabled = NOT enabled; UPDATE mirror SET weight = 7");
    CPPUNIT_ASSERT_EQUAL(std::string("one https/ipv6 unknown>up|"
                                     "one https/ipv6 up>down connection refused|"
                                     "one standing good>wrong other files|one enabled yes>no"),
                         events());
  }

  void aMirrorIsReadWithWhatIsDownAndWhy() {
    c_.script("UPDATE health SET state = 'down', reason = 'certificate expired'");
    Connection httpd = database_.connect("mirror_httpd");
    for (Connection* reader : {&c_, &httpd}) {
      const auto mirrors = load_mirrors(*reader);
      CPPUNIT_ASSERT(mirrors->find(id_)->down.texts() == std::vector<std::string>{"https/ipv6"});
      CPPUNIT_ASSERT_EQUAL(std::string("certificate expired"), mirrors->find(id_)->down_reason);
    }
    c_.script("UPDATE mirror SET standing = 'stale', standing_reason = 'last scan 9 days ago'");
    const MirrorRecord record = find_mirror(c_, "one").value();
    CPPUNIT_ASSERT(record.mirror.standing == Standing::stale);
    CPPUNIT_ASSERT_EQUAL(std::string("last scan 9 days ago"), record.mirror.standing_reason);
  }

  void eventsOutliveTheirMirror() {
    c_.script("UPDATE health SET state = 'down', reason = 'gone'");
    delete_mirror(c_, id_);
    CPPUNIT_ASSERT_EQUAL(std::string("0"), value(c_, "SELECT count(*) FROM health"));
    CPPUNIT_ASSERT_EQUAL(std::string("one https/ipv6 unknown>down gone"), events());
  }

  void availabilityIsTheShareOfTimeNotDown() {
    const auto event = [](std::int64_t at_s, MirrorId mirror, const char* from, const char* to) {
      return Event{at_s, mirror, "one", "https/ipv6", from, to, ""};
    };
    const std::vector<Event> events = {event(50, 1, "up", "down"), event(120, 1, "down", "up"),
                                       event(150, 2, "up", "down"), event(180, 1, "up", "down")};
    WayHealth down, other;
    down.way = {true, Family::ipv6};
    down.state = "down";
    other.state = "up";
    CPPUNIT_ASSERT_DOUBLES_EQUAL(0.6, availability(1, down, events, 100, 200), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(1 - 90.0 / 200, availability(1, down, events, 0, 200), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(0.0, availability(1, down, events, 190, 200), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(0.0, availability(3, down, events, 100, 200), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(1.0, availability(1, other, events, 100, 200), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(0.0, availability(1, down, events, 200, 200), 1e-9);
  }

  void onlyTheScannerWritesHealthAndNobodyEvents() {
    const char* const down = "UPDATE health SET state = 'down', reason = 'x'";
    const char* const stale =
        "INSERT INTO doubt (mirror_id, kind, reason) VALUES (1, 'stale', 'x')";
    const char* const believed = "UPDATE mirror SET standing = 'good', standing_reason = ''";
    const char* const forged =
        "INSERT INTO event (mirror_id, mirror, what, \"from\", \"to\") VALUES (1, 'a', 'b', 'c', "
        "'d')";
    Connection scanner = database_.connect("mirror_scanner");
    Connection httpd = database_.connect("mirror_httpd");
    scanner.script(down);
    scanner.script(stale);
    CPPUNIT_ASSERT_THROW(scanner.script(forged), Error);
    CPPUNIT_ASSERT_THROW(scanner.script(believed), Error);
    CPPUNIT_ASSERT_THROW(scanner.script("DELETE FROM event"), Error);
    for (const char* sql :
         {down, stale, believed, forged, "DELETE FROM event", "SELECT why FROM event"})
      CPPUNIT_ASSERT_THROW_MESSAGE(sql, httpd.script(sql), Error);
    for (const char* function :
         {"bump_mirror_rev", "note_health", "note_doubt", "note_mirror_event"}) {
      try {
        httpd.script(fmt::format(
            "CREATE TEMP TABLE t (a int); CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW EXECUTE "
            "FUNCTION {}()",
            function));
        CPPUNIT_FAIL(function);
      } catch (const Error& error) {
        CPPUNIT_ASSERT_EQUAL(std::string("42501"), error.sqlstate());
      }
    }
  }

 private:
  std::string events() {
    return value(c_,
                 "SELECT string_agg(concat_ws(' ', mirror, what, \"from\" || '>' || \"to\", "
                 "nullif(why, '')), '|' ORDER BY id) FROM event");
  }

  TestDatabase database_;
  Connection c_ = database_.connect();
  MirrorId id_ = 0;
};
CPPUNIT_TEST_SUITE_REGISTRATION(HealthTest);

}  // namespace
}  // namespace mirror::db::test
