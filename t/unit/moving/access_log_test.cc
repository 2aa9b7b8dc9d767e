#include "moving/access_log.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror {

class AccessLogTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AccessLogTest);
  CPPUNIT_TEST(readsEachForm);
  CPPUNIT_TEST(leavesOutWhatCannotBeReplayed);
  CPPUNIT_TEST(undoesEscapes);
  CPPUNIT_TEST_SUITE_END();

  static constexpr std::string_view kTime = " [29/Nov/2026:10:00:00 +0000] ";

  static std::string line(std::string_view request, std::string_view rest = " 302 -",
                          std::string_view who = "192.0.2.1 - -") {
    return std::string(who).append(kTime).append("\"").append(request).append("\"").append(rest);
  }
  static LoggedRequest parsed(const std::string& text) {
    const auto found = parse_log_line(text);
    CPPUNIT_ASSERT_MESSAGE(text, std::holds_alternative<LoggedRequest>(found));
    return std::get<LoggedRequest>(found);
  }
  static void refuse(SkippedLine why, const std::string& text) {
    const auto found = parse_log_line(text);
    CPPUNIT_ASSERT_MESSAGE(text, std::holds_alternative<SkippedLine>(found));
    CPPUNIT_ASSERT_MESSAGE(text, std::get<SkippedLine>(found) == why);
  }

  void readsEachForm() {
    const LoggedRequest common = parsed(line("GET /a?b=c HTTP/1.1"));
    CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.1"), common.client);
    CPPUNIT_ASSERT_EQUAL(std::string("/a?b=c"), common.target);
    CPPUNIT_ASSERT(!common.head && common.user_agent.empty());
    const LoggedRequest combined =
        parsed(line("HEAD / HTTP/1.0", " 200 5 \"http://x/\" \"curl/8 (\\\"x\\\")\""));
    CPPUNIT_ASSERT(combined.head);
    CPPUNIT_ASSERT_EQUAL(std::string("curl/8 (\"x\")"), combined.user_agent);
    const LoggedRequest vhost =
        parsed(line("GET / HTTP/2.0", " 200 5", "www.example.org:443 2001:db8::1 - joe doe"));
    CPPUNIT_ASSERT_EQUAL(std::string("2001:db8::1"), vhost.client);
    CPPUNIT_ASSERT(parsed(line("GET / HTTP/1.1", " 200 5", "host.example - -")).client.empty());
    CPPUNIT_ASSERT(parsed(line("GET / HTTP/1.1", " 200 5 \"-\" \"-\"")).user_agent.empty());
    CPPUNIT_ASSERT(parsed(line("GET / HTTP/1.1", " 200 5 \"-\" \"a\\nb\"")).user_agent.empty());
  }

  void leavesOutWhatCannotBeReplayed() {
    refuse(SkippedLine::other_method, line("POST / HTTP/1.1"));
    refuse(SkippedLine::other_method, line("CONNECT x:1 HTTP/1.1"));
    for (const char* request :
         {"", "-", "GET", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 x", "GET http://x/ HTTP/1.1",
          "GET x HTTP/1.1", "GET /#a HTTP/1.1", "GET /a\\r\\nX:1 HTTP/1.1", "GET /\\x00 HTTP/1.1",
          "\\x16\\x03\\x01 / HTTP/1.1x y"})
      refuse(SkippedLine::unreadable, line(request));
    refuse(SkippedLine::unreadable, "");
    refuse(SkippedLine::unreadable, "192.0.2.1 - -" + std::string(kTime));
    refuse(SkippedLine::unreadable, "192.0.2.1 - -" + std::string(kTime) + "\"GET / HTTP/1.1");
    refuse(SkippedLine::unreadable, line("GET /" + std::string(8000, 'x') + " HTTP/1.1"));
    refuse(SkippedLine::unreadable,
           line("GET / HTTP/1.1", " 200 5 \"" + std::string(kMaxLogLineBytes, 'x') + "\""));
  }

  void undoesEscapes() {
    CPPUNIT_ASSERT_EQUAL(std::string("/%C3%A4\\\""),
                         parsed(line(R"(GET /\xc3\xa4\\\" HTTP/1.1)")).target);
    CPPUNIT_ASSERT_EQUAL(std::string("/%C3%A4"), parsed(line("GET /\xc3\xa4 HTTP/1.1")).target);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AccessLogTest);

}  // namespace mirror
