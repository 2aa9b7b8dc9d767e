#include "net/request_pool.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <cerrno>
#include <deque>

#include "net/loopback_server.h"

namespace mirror::net {
namespace {

using std::chrono::milliseconds;
using test::send_all;
using test::Server;

PoolRequest to(const std::string& at) {
  PoolRequest request;
  request.url = "http://" + at + "/f";
  request.timeout = request.connect_timeout = milliseconds(20000);  // a busy machine is slow
  return request;
}

PoolAnswer answer_to(PoolRequest request) {
  RequestPool pool;
  std::optional<PoolAnswer> got;
  pool.add(std::move(request), [&](PoolAnswer&& answer) { got = std::move(answer); });
  while (!got) pool.run(milliseconds(1000), -1);
  CPPUNIT_ASSERT_EQUAL(std::size_t{0}, pool.running());
  return *got;
}

class RequestPoolTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RequestPoolTest);
  CPPUNIT_TEST(waitsForManyAtATime);
  CPPUNIT_TEST(tellsWhereARedirectLeads);
  CPPUNIT_TEST(cutsABody);
  CPPUNIT_TEST(connectsToPublicAddressesOnlyWhereItIsToldTo);
  CPPUNIT_TEST(tellsWhyThereIsNoAnswer);
  CPPUNIT_TEST(returnsWhenItIsWoken);
  CPPUNIT_TEST(canBeEndedWithRequestsUnderWay);
  CPPUNIT_TEST(passesOnWhatADoneThrows);
  CPPUNIT_TEST(knowsWhetherTheServerToldWhereTheBodyEnds);
  CPPUNIT_TEST(keepsNothingOfAnEarlierRequest);
  CPPUNIT_TEST(requestsBeyondItsLimitsTakeTurns);
  CPPUNIT_TEST(knowsPrivateAddresses);
  CPPUNIT_TEST(readsTimesOfCertificates);
  CPPUNIT_TEST_SUITE_END();

  void waitsForManyAtATime() {
    RequestPool pool;
    constexpr int kServers = 20;
    std::atomic<int> asked = 0;
    std::deque<Server> servers;
    int ended = 0;
    for (int i = 0; i < kServers; ++i) {
      Server& server = servers.emplace_back([&asked](int connection) {
        ++asked;  // none answers before all were asked
        for (int wait = 0; asked < kServers && wait < 1000; ++wait)
          std::this_thread::sleep_for(milliseconds(10));
        std::this_thread::sleep_for(milliseconds(20));
        send_all(connection, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
      });
      pool.add(to(server.at()), [&](PoolAnswer&& answer) {
        CPPUNIT_ASSERT_EQUAL(200, answer.status);
        CPPUNIT_ASSERT_EQUAL(std::string("7"), std::string(answer.header("content-length")));
        CPPUNIT_ASSERT(answer.first_byte >= milliseconds(20));
        CPPUNIT_ASSERT_EQUAL(std::string("127.0.0.1"), answer.peer);
        ++ended;
      });
    }
    while (pool.running() > 0) pool.run(milliseconds(1000), -1);
    CPPUNIT_ASSERT_EQUAL(kServers, ended);
    CPPUNIT_ASSERT_EQUAL(kServers, asked.load());
    servers.front().end();
    CPPUNIT_ASSERT(servers.front().request.starts_with("HEAD /f HTTP/1.1\r\n"));
  }

  void tellsWhereARedirectLeads() {
    Server server([](int connection) {
      send_all(connection, "HTTP/1.1 301 M\r\nLocation: ../g?x\r\nContent-Length: 0\r\n\r\n");
    });
    const PoolAnswer answer = answer_to(to(server.at()));
    CPPUNIT_ASSERT_EQUAL(301, answer.status);
    CPPUNIT_ASSERT_EQUAL("http://" + server.at() + "/g?x", answer.redirect_url);
  }

  void cutsABody() {
    Server server([](int connection) {
      send_all(connection, "HTTP/1.1 200 OK\r\n\r\n");
      while (send_all(connection, std::string(4096, 'x'))) continue;
    });
    PoolRequest request = to(server.at());
    request.method = PoolRequest::Method::get;
    request.max_body_bytes = 5;
    const PoolAnswer answer = answer_to(std::move(request));
    CPPUNIT_ASSERT(!answer.failure && answer.status == 200);
    CPPUNIT_ASSERT_EQUAL(std::string("xxxxx"), answer.body);
  }

  void connectsToPublicAddressesOnlyWhereItIsToldTo() {
    Server server([](int) {});
    PoolRequest request = to(server.at());
    request.public_only = true;
    CPPUNIT_ASSERT(answer_to(std::move(request)).failure == FailureKind::private_address);
    server.end();
    CPPUNIT_ASSERT_EQUAL(std::string(), server.request);
  }

  void tellsWhyThereIsNoAnswer() {
    const PoolAnswer refused = answer_to(to("127.0.0.1:1"));
    CPPUNIT_ASSERT(refused.failure == FailureKind::connect && refused.os_error == ECONNREFUSED);
    CPPUNIT_ASSERT_EQUAL(std::string("connection refused"), refused.words);
    PoolRequest other_family = to("127.0.0.1:1");
    other_family.family = Family::ipv6;
    CPPUNIT_ASSERT(answer_to(std::move(other_family)).failure == FailureKind::name);
    PoolRequest file = to("");
    file.url = "file:///etc/passwd";
    CPPUNIT_ASSERT(answer_to(std::move(file)).failure == FailureKind::url);
    Server silent([](int connection) {
      char byte;
      while (::recv(connection, &byte, 1, 0) > 0) continue;  // until the other end gives up
    });
    PoolRequest impatient = to(silent.at());
    impatient.timeout = milliseconds(500);
    const PoolAnswer late = answer_to(std::move(impatient));
    CPPUNIT_ASSERT(late.failure == FailureKind::timeout);
    CPPUNIT_ASSERT_EQUAL(std::string("no answer within 0.5 s"), late.words);
  }

  void returnsWhenItIsWoken() {
    int ends[2];
    CPPUNIT_ASSERT(::pipe(ends) == 0 && ::write(ends[1], "x", 1) == 1);
    RequestPool pool;
    const auto began = std::chrono::steady_clock::now();
    pool.run(milliseconds(60000), ends[0]);
    CPPUNIT_ASSERT(std::chrono::steady_clock::now() - began < milliseconds(60000));
    ::close(ends[0]);
    ::close(ends[1]);
  }

  void canBeEndedWithRequestsUnderWay() {
    Server server([](int connection) {
      char byte;
      while (::recv(connection, &byte, 1, 0) > 0) continue;
    });
    RequestPool pool;
    pool.add(to(server.at()), [](PoolAnswer&&) { CPPUNIT_FAIL("it had no answer"); });
    pool.run(milliseconds(50), -1);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, pool.running());
  }

  void passesOnWhatADoneThrows() {
    RequestPool pool;
    pool.add(to("127.0.0.1:1"), [](PoolAnswer&&) { throw std::runtime_error("mine"); });
    CPPUNIT_ASSERT_THROW(
        {
          while (pool.running() > 0) pool.run(milliseconds(1000), -1);
        },
        std::runtime_error);
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, pool.running());
    pool.run(milliseconds(1), -1);
  }

  void knowsWhetherTheServerToldWhereTheBodyEnds() {
    struct {
      const char* answer;
      bool told;
    } const cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", true},
        {"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nabc", true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", true},
        {"HTTP/1.1 200 OK\r\n\r\nabc", false},
        {"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nabc", false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc", false}};
    for (const auto& c : cases) {
      Server server([&c](int connection) { send_all(connection, c.answer); });
      PoolRequest request = to(server.at());
      request.method = PoolRequest::Method::get;
      request.max_body_bytes = 10;
      const PoolAnswer answer = answer_to(std::move(request));
      CPPUNIT_ASSERT_MESSAGE(c.answer, answer.failure || answer.body == "abc");
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.answer, c.told, answer.end_is_told);
    }
  }

  void keepsNothingOfAnEarlierRequest() {
    Server moved([](int connection) {
      send_all(connection, "HTTP/1.1 301 M\r\nLocation: /g\r\nContent-Length: 0\r\n\r\n");
    });
    Server other([](int connection) {
      send_all(connection, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    });
    RequestPool pool;
    const auto ask = [&pool](PoolRequest request) {
      PoolAnswer got;
      request.keep_connection = true;
      pool.add(std::move(request), [&got](PoolAnswer&& answer) { got = std::move(answer); });
      while (pool.running() > 0) pool.run(milliseconds(1000), -1);
      return got;
    };
    CPPUNIT_ASSERT_EQUAL("http://" + moved.at() + "/g", ask(to(moved.at())).redirect_url);
    const PoolAnswer refused = ask(to("127.0.0.1:1"));
    CPPUNIT_ASSERT(refused.failure == FailureKind::connect && refused.status == 0);
    CPPUNIT_ASSERT(refused.headers.empty() && refused.redirect_url.empty());
    PoolRequest request = to(other.at());
    request.method = PoolRequest::Method::get;
    request.headers = {"X-Other: 1"};
    request.max_body_bytes = 10;
    const PoolAnswer answer = ask(request);
    CPPUNIT_ASSERT(!answer.failure && answer.status == 200 && answer.os_error == 0);
    CPPUNIT_ASSERT(answer.body == "abc" && answer.redirect_url.empty() && answer.words.empty());
    other.end();
    CPPUNIT_ASSERT(other.request.starts_with("GET /f HTTP/1.1\r\n"));
    CPPUNIT_ASSERT(other.request.find("X-Other: 1\r\n") != std::string::npos);
  }

  // The server takes one connection.
  void requestsBeyondItsLimitsTakeTurns() {
    Server server([](int connection) {
      constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
      char bytes[4096];
      send_all(connection, kAnswer);
      while (::recv(connection, bytes, sizeof bytes, 0) > 0) send_all(connection, kAnswer);
    });
    RequestPool pool({.connections = 1, .streams = 0});
    int ended = 0;
    for (int i = 0; i < 3; ++i) {
      PoolRequest request = to(server.at());
      request.keep_connection = true;
      pool.add(std::move(request), [&ended](PoolAnswer&& answer) {
        CPPUNIT_ASSERT_EQUAL(200, answer.status);
        ++ended;
      });
    }
    while (pool.running() > 0) pool.run(milliseconds(1000), -1);
    CPPUNIT_ASSERT_EQUAL(3, ended);
  }

  void knowsPrivateAddresses() {
    for (const char* text : {"127.0.0.1",
                             "10.255.0.1",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.168.1.1",
                             "169.254.1.1",
                             "100.64.0.1",
                             "0.0.0.0",
                             "::",
                             "::1",
                             "fe80::1",
                             "fd12::1",
                             "fc00::",
                             "192.0.0.8",
                             "198.18.0.1",
                             "198.19.255.255",
                             "224.0.0.1",
                             "240.0.0.1",
                             "255.255.255.255",
                             "::10.0.0.1",
                             "::8.8.8.8",
                             "64:ff9b:1::1",
                             "fec0::1",
                             "ff02::1",
                             "64:ff9b::10.0.0.1",
                             "64:ff9b::7f00:1",
                             "2002:c0a8:101::1"})
      CPPUNIT_ASSERT_MESSAGE(text, is_private(*Address::parse(text)));
    for (const char* text :
         {"8.8.8.8", "172.32.0.1", "100.128.0.1", "11.0.0.1", "2001:db8::1", "2600::", "fe00::1",
          "192.0.1.1", "198.20.0.1", "223.255.255.255", "64:ff9b::8.8.8.8", "2002:808:808::1"})
      CPPUNIT_ASSERT_MESSAGE(text, !is_private(*Address::parse(text)));
    CPPUNIT_ASSERT(is_private(
        *Address::from_bytes(std::string_view("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16))));
  }

  void readsTimesOfCertificates() {
    CPPUNIT_ASSERT_EQUAL(std::int64_t{784111777},
                         parse_certificate_time("Nov  6 08:49:37 1994 GMT").value());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{784111777},
                         parse_certificate_time("1994-11-06 08:49:37 GMT").value());
    for (const char* text : {"", "GMT", "Nov 6 1994", "Nov  6 08:49:37 1994", "Bad time value"})
      CPPUNIT_ASSERT_MESSAGE(text, !parse_certificate_time(text));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RequestPoolTest);

}  // namespace
}  // namespace mirror::net
