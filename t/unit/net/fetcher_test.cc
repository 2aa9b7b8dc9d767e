#include "net/fetcher.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/socket.h>

#include <string>

#include "net/loopback_server.h"

namespace mirror::net {
namespace {

using test::send_all;
using test::Server;

using Kind = FetchError::Kind;

FetchRequest to(const Server& server) {
  FetchRequest request;
  request.url = "http://host.example/a/../b?c";
  request.connect_to = server.at();
  request.timeout = std::chrono::milliseconds(20000);  // a busy machine is slow
  return request;
}

Kind failure(const FetchRequest& request) {
  try {
    Fetcher().get(request);
  } catch (const FetchError& error) {
    CPPUNIT_ASSERT(std::string(error.what()) != "");
    return error.kind();
  }
  CPPUNIT_FAIL("it did not fail");
  return Kind::other;
}

class FetcherTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FetcherTest);
  CPPUNIT_TEST(getsAnAnswerFromWhereItIsToldTo);
  CPPUNIT_TEST(followsNoRedirect);
  CPPUNIT_TEST(endsWhereAServerSendsForEver);
  CPPUNIT_TEST(endsWhereAServerIsSilent);
  CPPUNIT_TEST(takesNoPartForTheWhole);
  CPPUNIT_TEST(takesHttpUrlsOnly);
  CPPUNIT_TEST(sendsNoHeaderWithinAHeader);
  CPPUNIT_TEST(tellsAnUnusableFileOfAuthorities);
  CPPUNIT_TEST(tellsThatNobodyListens);
  CPPUNIT_TEST(isOfUseAgainAfterAFailure);
  CPPUNIT_TEST_SUITE_END();

  void getsAnAnswerFromWhereItIsToldTo() {
    Server server([](int connection) {
      send_all(connection,
               "HTTP/1.1 103 Early Hints\r\nX-A: early\r\n\r\n"
               "HTTP/1.1 404 No\r\nx-a:  b \r\nContent-Length: 3\r\n\r\nxyz");
    });
    FetchRequest request = to(server);
    request.headers = {"X-Own: 1"};
    request.user_agent = "me";
    const FetchResponse response = Fetcher().get(request);
    CPPUNIT_ASSERT_EQUAL(404, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("xyz"), response.body);
    CPPUNIT_ASSERT_EQUAL(std::string("b"), std::string(response.header("X-A")));
    CPPUNIT_ASSERT_EQUAL(std::string(""), std::string(response.header("X")));
    CPPUNIT_ASSERT_EQUAL(server.at(), response.peer);
    server.end();
    for (const char* line : {"GET /a/../b?c HTTP/1.1\r\n", "\r\nHost: host.example\r\n",
                             "\r\nX-Own: 1\r\n", "\r\nUser-Agent: me\r\n"})
      CPPUNIT_ASSERT_MESSAGE(line, server.request.find(line) != std::string::npos);
  }

  void followsNoRedirect() {
    Server server([](int connection) {
      send_all(connection,
               "HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    });
    CPPUNIT_ASSERT_EQUAL(302, Fetcher().get(to(server)).status);
  }

  void endsWhereAServerSendsForEver() {
    Server body([](int connection) {
      send_all(connection, "HTTP/1.1 200 OK\r\n\r\n");
      while (send_all(connection, std::string(4096, 'x'))) continue;
    });
    FetchRequest request = to(body);
    request.max_body_bytes = 10000;
    CPPUNIT_ASSERT(failure(request) == Kind::too_large);
    Server headers([](int connection) {
      send_all(connection, "HTTP/1.1 200 OK\r\n");
      while (send_all(connection, "X-A: " + std::string(1000, 'x') + "\r\n")) continue;
    });
    CPPUNIT_ASSERT(failure(to(headers)) == Kind::too_large);
  }

  void endsWhereAServerIsSilent() {
    for (const char* first : {"", "HTTP/1.1 200 OK\r\nX-", "HTTP/1.1 200 OK\r\n\r\nx"}) {
      Server server([first](int connection) {
        send_all(connection, first);
        char byte;
        while (::recv(connection, &byte, 1, 0) > 0) continue;  // until the other end gives up
      });
      FetchRequest impatient = to(server);
      impatient.timeout = std::chrono::milliseconds(500);
      CPPUNIT_ASSERT(failure(impatient) == Kind::timeout);
    }
  }

  void takesNoPartForTheWhole() {
    for (const char* answer : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "hello\n",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
      Server server([answer](int connection) { send_all(connection, answer); });
      CPPUNIT_ASSERT_MESSAGE(answer, failure(to(server)) == Kind::other);
    }
  }

  void takesHttpUrlsOnly() {
    for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "http://user@127.0.0.1:1/",
                            "http://127.0.0.1:99999/", "http://a b/", "gopher://127.0.0.1:1/"}) {
      FetchRequest request;
      request.url = url;
      CPPUNIT_ASSERT_MESSAGE(url, failure(request) == Kind::url);
    }
  }

  void sendsNoHeaderWithinAHeader() {
    for (const std::string& text :
         {std::string("a\r\nX-B: c"), std::string("a\nX-B: c"), std::string("a\rb"),
          std::string("a\0b", 3), std::string("a\x1b"), std::string("a\x7f")}) {
      FetchRequest request;
      request.url = "http://127.0.0.1:1/";
      request.user_agent = text;
      CPPUNIT_ASSERT_MESSAGE(text, failure(request) == Kind::url);
      request.user_agent = "";
      request.headers = {"X-A: 1", "X-B: " + text};
      CPPUNIT_ASSERT_MESSAGE(text, failure(request) == Kind::url);
    }
  }

  void tellsAnUnusableFileOfAuthorities() {
    Server server([](int) {});
    FetchRequest request = to(server);
    request.url = "https://host.example/";
    request.ca_file = "/nonexistent/ca.pem";
    CPPUNIT_ASSERT(failure(request) == Kind::ca_file);
  }

  void tellsThatNobodyListens() {
    FetchRequest request;
    request.url = "http://127.0.0.1:1/";
    CPPUNIT_ASSERT(failure(request) == Kind::connect);
  }

  void isOfUseAgainAfterAFailure() {
    Fetcher fetcher;
    FetchRequest nowhere;
    nowhere.url = "http://127.0.0.1:1/";
    nowhere.headers = {"X-Old: 1"};
    CPPUNIT_ASSERT_THROW(fetcher.get(nowhere), FetchError);
    Server server([](int connection) {
      send_all(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    CPPUNIT_ASSERT_EQUAL(200, fetcher.get(to(server)).status);
    server.end();
    CPPUNIT_ASSERT(server.request.find("X-Old") == std::string::npos);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(FetcherTest);

}  // namespace
}  // namespace mirror::net
