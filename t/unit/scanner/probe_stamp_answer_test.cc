#include "scanner/probe/stamp_answer.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <string>

namespace mirror::probe {
namespace {

constexpr std::int64_t kNow = 1795975201;  // 2026-11-29T18:00:01Z
const char* const kUrl = "http://a.example/pub/trace";

net::PoolAnswer answer(int status, std::string body = "") {
  net::PoolAnswer answer;
  answer.status = status;
  answer.body = std::move(body);
  answer.peer = "198.51.100.1";
  return answer;
}

StampRequest request(const std::string& url = kUrl) {
  return StampRequest(url, Family::ipv4, {"https://us.example/files/"});
}

net::PoolAnswer redirect(const std::string& to) {
  net::PoolAnswer found = answer(302);
  found.redirect_url = to;
  return found;
}

}  // namespace

class StampAnswerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StampAnswerTest);
  CPPUNIT_TEST(theTextCountsBeforeLastModified);
  CPPUNIT_TEST(aTimeInTheFutureIsNotBelieved);
  CPPUNIT_TEST(aServerThatIsIllTellsNothing);
  CPPUNIT_TEST(aPageIsNoStamp);
  CPPUNIT_TEST(redirectsAreFollowedToTheSameFileAlone);
  CPPUNIT_TEST_SUITE_END();

 public:
  void theTextCountsBeforeLastModified() {
    net::PoolAnswer said = answer(200, "1795975000\nmore");
    said.headers = {{"Last-Modified", "Sun, 29 Nov 2026 17:00:01 GMT"}};
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1795975000}, *request().take(said, kNow)->at_s);
    said.body = "this mirror was updated";
    CPPUNIT_ASSERT_EQUAL(kNow - 3600, *request().take(said, kNow)->at_s);
    StampRequest ahead(kUrl, std::nullopt, {}, 7200);  // its files' times, not what they say
    CPPUNIT_ASSERT_EQUAL(kNow - 3600 - 7200, *ahead.take(said, kNow)->at_s);
    said.body = "1795975000";
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1795975000}, *ahead.take(said, kNow)->at_s);
    said.body = "";
    said.headers.clear();
    expect_fault("no time in its first line", said);
    expect_fault("no time in its first line", answer(200));
    expect_fault("HTTP status 404", answer(404));
    expect_fault("HTTP status 403", answer(403));
  }

  void aTimeInTheFutureIsNotBelieved() {
    CPPUNIT_ASSERT(request().take(answer(200, std::to_string(kNow + 3600)), kNow)->at_s);
    expect_fault("2026-11-29 19:00 UTC is in the future", answer(200, std::to_string(kNow + 3601)));
  }

  void aServerThatIsIllTellsNothing() {
    net::PoolAnswer failed;
    failed.failure = net::FailureKind::timeout;
    expect_fault("", failed);
    expect_fault("", answer(429));
    expect_fault("", answer(503));
  }

  void aPageIsNoStamp() {
    net::PoolAnswer page = answer(200, "welcome");
    page.headers = {{"Last-Modified", "Sun, 29 Nov 2020 17:00:01 GMT"},
                    {"Content-Type", "text/html; charset=utf-8"}};
    expect_fault("a page in place of it", page);
    expect_fault("a page in place of it", answer(200, "<!DOCTYPE html>"));
  }

  void redirectsAreFollowedToTheSameFileAlone() {
    StampRequest followed = request();
    CPPUNIT_ASSERT(!followed.request().public_only);
    CPPUNIT_ASSERT(!followed.take(redirect("https://cdn.example/x/trace"), kNow));
    CPPUNIT_ASSERT_EQUAL(std::string("https://cdn.example/x/trace"), followed.request().url);
    CPPUNIT_ASSERT(followed.request().public_only);
    CPPUNIT_ASSERT(followed.take(redirect("http://cdn.example/x/trace"), kNow)
                       ->fault.starts_with("redirects from https to http"));
    expect_fault("redirects to another file: http://a.example/", redirect("http://a.example/"));
    expect_fault("redirects to what is neither http nor https: ftp://a.example/trace",
                 redirect("ftp://a.example/trace"));
    expect_fault("answers with a redirect to nowhere", redirect(""));
    expect_fault("redirects back to us: https://us.example/files/trace",
                 redirect("https://us.example/files/trace"));
    expect_fault("redirects in a loop", redirect(kUrl));
    expect_fault("redirects to an address of a private network: http://192.168.1.1/trace",
                 redirect("http://192.168.1.1/trace"));
    StampRequest many = request();
    const auto next = [](int i) { return redirect(fmt::format("http://a.example/{}/trace", i)); };
    for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT(!many.take(next(i), kNow));
    CPPUNIT_ASSERT_EQUAL(std::string("redirects more than 5 times"),
                         many.take(next(5), kNow)->fault);
  }

 private:
  static void expect_fault(const std::string& fault, const net::PoolAnswer& said) {
    const std::optional<StampAnswer> found = request().take(said, kNow);
    CPPUNIT_ASSERT(found && !found->at_s);
    CPPUNIT_ASSERT_EQUAL(fault, found->fault);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StampAnswerTest);

}  // namespace mirror::probe
