// Tests scanner/probe/control.h on a server that is as slow as the test's clock says.
#include "scanner/probe/control.h"

#include <cppunit/extensions/HelperMacros.h>

#include "t/unit/net/loopback_server.h"

namespace mirror::probe::test {
namespace {

using std::chrono::milliseconds;

class ProbeControlTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProbeControlTest);
  CPPUNIT_TEST(anAnswerCountsHoweverLongItTook);
  CPPUNIT_TEST(anOlderAnswerDoesNotCount);
  CPPUNIT_TEST(anAnswerInPlaceOfTheHostsDoesNotCount);
  CPPUNIT_TEST(silenceIsAFailureOfItsRound);
  CPPUNIT_TEST_SUITE_END();

 public:
  void anAnswerCountsHoweverLongItTook() {
    net::test::Server server(answering("204 X"));
    begin("http://" + server.at() + "/");
    CPPUNIT_ASSERT(control_->ask(Family::ipv4, 100) == Control::State::asking);
    CPPUNIT_ASSERT(control_->ask(Family::ipv4, 100) == Control::State::asking);
    control_->tick(130);
    end_round();
    CPPUNIT_ASSERT(control_->ask(Family::ipv4, 100) == Control::State::works);
    CPPUNIT_ASSERT(control_->worked_since(Family::ipv4, 130));
    CPPUNIT_ASSERT(!control_->worked_since(Family::ipv4, 131));
    CPPUNIT_ASSERT(!control_->worked_since(Family::ipv6, 100));
  }

  void anOlderAnswerDoesNotCount() {
    net::test::Server server(answering("200 X"));
    begin("http://" + server.at() + "/");
    control_->ask(Family::ipv4, 100);
    end_round();
    CPPUNIT_ASSERT(control_->ask(Family::ipv4, 100.5) == Control::State::asking);
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, pool_.running());  // not so soon again
    control_->tick(101);
    CPPUNIT_ASSERT(control_->ask(Family::ipv4, 100.5) == Control::State::asking);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, pool_.running());
  }

  void anAnswerInPlaceOfTheHostsDoesNotCount() {
    const std::pair<std::string, bool> cases[] = {
        {"200 OK", true},
        {"503 X", false},
        {"404 X", false},
        {"302 X\r\nLocation: http://login.example/", false},
        {"302 X\r\nLocation: /index.html", true}};
    for (const auto& [head, counts] : cases) {
      net::test::Server server(answering(head));
      begin("http://" + server.at() + "/");
      control_->ask(Family::ipv4, 100);
      end_round();
      CPPUNIT_ASSERT_EQUAL_MESSAGE(head, counts, control_->worked_since(Family::ipv4, 100));
    }
  }

  void silenceIsAFailureOfItsRound() {
    begin("http://127.0.0.1:1/");
    control_->ask(Family::ipv4, 100);
    end_round();
    CPPUNIT_ASSERT(control_->ask(Family::ipv4, 100) == Control::State::fails);
    CPPUNIT_ASSERT(!control_->worked_since(Family::ipv4, 0));
    control_->tick(110);
    CPPUNIT_ASSERT(control_->ask(Family::ipv4, 110) == Control::State::asking);
  }

 private:
  static std::function<void(int)> answering(const std::string& status) {
    return [status](int connection) {
      net::test::send_all(connection, "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n");
    };
  }
  void begin(const std::string& url) {
    urls_ = {url};
    control_.emplace(pool_, urls_, options_);
    control_->tick(100);
  }
  void end_round() {
    while (pool_.running() > 0) pool_.run(milliseconds(100), -1);
  }

  std::vector<std::string> urls_;
  CheckOptions options_;
  net::RequestPool pool_;
  std::optional<Control> control_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProbeControlTest);

}  // namespace
}  // namespace mirror::probe::test
