#include "scanner/check/check.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cerrno>
#include <utility>

#include "digest/message.h"

namespace mirror::probe::test {
namespace {

using net::FailureKind;
using net::PoolAnswer;
using net::PoolRequest;

constexpr std::int64_t kNow = 1'700'000'000;
constexpr const char* kUrl = "https://ftp.example/pub/a%20b.deb";

PoolAnswer answered(int status, std::vector<std::pair<std::string, std::string>> headers = {}) {
  PoolAnswer answer;
  answer.status = status;
  answer.headers = std::move(headers);
  answer.peer = "203.0.113.1";
  answer.first_byte = std::chrono::milliseconds(7);
  return answer;
}

PoolAnswer redirected(const std::string& url, const std::string& peer = "203.0.113.1") {
  PoolAnswer answer = answered(302);
  answer.redirect_url = url;
  answer.peer = peer;
  return answer;
}

PoolAnswer failed(FailureKind kind, const std::string& words, int os_error = 0) {
  PoolAnswer answer;
  answer.failure = kind;
  answer.words = words;
  answer.os_error = os_error;
  return answer;
}

class ProbeCheckTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProbeCheckTest);
  CPPUNIT_TEST(judgesWhatAnAnswerSays);
  CPPUNIT_TEST(tellsAWrongFileFromAServerThatFails);
  CPPUNIT_TEST(acceptsEachTimeThatTheVersionHadAsTheMirrorKeepsThem);
  CPPUNIT_TEST(comparesThePieceThatItAskedFor);
  CPPUNIT_TEST(tellsAPieceThatBreaksOffFromAServerThatFails);
  CPPUNIT_TEST(tellsANewerFileFromOtherBytes);
  CPPUNIT_TEST(tellsANewerFileFromAWrongOne);
  CPPUNIT_TEST(waitsAsLongAsItIsAskedTo);
  CPPUNIT_TEST(tellsWhatMayBeTheFileAlone);
  CPPUNIT_TEST(asksForOneByteWhereHeadIsNotBelieved);
  CPPUNIT_TEST(saysWhenItComparedNothing);
  CPPUNIT_TEST(expectsThatNoNameOfItsOwnExists);
  CPPUNIT_TEST(comparesNoTimesOfAnotherHost);
  CPPUNIT_TEST(asksForOneByteWhereHeadIsRefused);
  CPPUNIT_TEST(saysWhichRedirectsAreWrong);
  CPPUNIT_TEST(followsRedirectsFromPublicToPublicAddressesOnly);
  CPPUNIT_TEST(followsPrivateRedirectsOfAPrivateMirror);
  CPPUNIT_TEST(saysWhenACertificateExpired);
  CPPUNIT_TEST(doesNotJudgeWhatThisMachineCannotReach);
  CPPUNIT_TEST(sharesItsTimeAmongItsRequests);
  CPPUNIT_TEST(boundsAndCleansReasons);
  CPPUNIT_TEST(claimsWaysByUrlsAndFamilies);
  CPPUNIT_TEST_SUITE_END();

 public:
  void judgesWhatAnAnswerSays() {
    const std::string time = "Tue, 14 Nov 2023 22:13:20 GMT";
    const std::pair<PoolAnswer, std::string> cases[] = {
        {answered(200), ""},
        {answered(200, {{"content-length", "5678"}, {"Last-Modified", time}}), ""},
        {answered(200, {{"Content-Length", "1234"}, {"Content-Encoding", "gzip"}}), ""},
        {answered(200, {{"Content-Length", "-1"}}), ""},
        {answered(206, {{"Content-Range", "bytes 0-0/5678"}, {"Content-Length", "1"}}), ""},
        {answered(206, {{"Content-Range", "bytes 0-0/*"}}), ""},
        {answered(416), "answers 416 for a file that it should have"},
        {answered(500), "answers 500 for a file that it should have"},
        {answered(204), "answers 204 for a file that it should have"},
        {answered(200, {{"Last-Modified", "yesterday"}}), ""}};
    for (const auto& [answer, reason] : cases) {
      const Verdict verdict = *check().take(answer, kNow);
      CPPUNIT_ASSERT_EQUAL(reason, verdict.reason);
      CPPUNIT_ASSERT(verdict.outcome == (reason.empty() ? CheckOutcome::good : CheckOutcome::bad));
    }
  }

  void tellsAWrongFileFromAServerThatFails() {
    const std::pair<PoolAnswer, std::string> cases[] = {
        {answered(404), "answers 404 for a file that it should have"},
        {answered(410), "answers 410 for a file that it should have"},
        {answered(200, {{"Content-Length", "1234"}}), "sends 1,234 bytes instead of 5,678"},
        {answered(206, {{"Content-Range", "bytes 0-0/9"}}), "sends 9 bytes instead of 5,678"},
        {answered(200, {{"Content-Type", "Text/HTML; charset=utf-8"}}),
         "sends a web page in place of the file"},
        {answered(200, {{"Last-Modified", "Tue, 14 Nov 2023 22:13:21 GMT"}}),
         "has the file of 2023-11-14T22:13:21Z instead of 2023-11-14T22:13:20Z"}};
    for (const auto& [answer, reason] : cases) {
      const Verdict verdict = *check().take(answer, kNow);
      CPPUNIT_ASSERT_EQUAL(reason, verdict.reason);
      CPPUNIT_ASSERT(verdict.outcome == CheckOutcome::wrong_file);
    }
    // A file that some server takes for a page, and pages.
    const std::pair<std::string, std::string> type{"Content-Type", "text/html"};
    CPPUNIT_ASSERT(check().take(answered(200, {{"Content-Length", "5678"}, type}), kNow)->outcome ==
                   CheckOutcome::good);
    Check page(
        {Way{true, Family::ipv4}, "https://ftp.example/Index.HTML", 5678, {}, false, 0, {}, false},
        options_);
    CPPUNIT_ASSERT(page.take(answered(200, {type}), kNow)->outcome == CheckOutcome::good);
  }

  void acceptsEachTimeThatTheVersionHadAsTheMirrorKeepsThem() {
    const auto outcome = [&](const char* time, std::int64_t tolerance_s) {
      Check one({Way{}, kUrl, 5678, {1'700'000'000, 1'600'000'000}, true, tolerance_s, {}, false},
                options_);
      return one.take(answered(200, {{"Last-Modified", time}}), kNow)->outcome;
    };
    CPPUNIT_ASSERT(outcome("Tue, 14 Nov 2023 22:13:20 GMT", 0) == CheckOutcome::good);
    CPPUNIT_ASSERT(outcome("Sun, 13 Sep 2020 12:26:40 GMT", 0) == CheckOutcome::good);
    CPPUNIT_ASSERT(outcome("Sun, 13 Sep 2020 12:26:41 GMT", 0) == CheckOutcome::wrong_file);
    CPPUNIT_ASSERT(outcome("Sun, 13 Sep 2020 12:26:41 GMT", 1) == CheckOutcome::good);
    CPPUNIT_ASSERT(outcome("Sun, 13 Sep 2020 00:00:00 GMT", 86400) == CheckOutcome::good);
    CPPUNIT_ASSERT(outcome("Sat, 12 Sep 2020 00:00:00 GMT", 86400) == CheckOutcome::wrong_file);
  }

  void comparesThePieceThatItAskedFor() {
    const std::string body = "piece";
    const auto judged = [&](db::ContentPiece piece, PoolAnswer answer) {
      answer.body = body;
      Check one({Way{}, kUrl, 5678, {1'700'000'000}, false, 0, std::move(piece), false}, options_);
      return one.take(answer, kNow)->reason;
    };
    const auto part = [](int first) {
      return answered(206, {{"Content-Range", "bytes " + std::to_string(first) + "-9/5678"}});
    };
    const std::string other = "sends other content than the source has, from byte 5 on";
    CPPUNIT_ASSERT_EQUAL(std::string(), judged({5, 5, digest::sha1_of(body), ""}, part(5)));
    CPPUNIT_ASSERT_EQUAL(other, judged({5, 5, digest::sha1_of("other"), ""}, part(5)));
    CPPUNIT_ASSERT_EQUAL(std::string("sends other bytes than those from 5 on"),
                         judged({5, 5, digest::sha1_of(body), ""}, part(0)));
    CPPUNIT_ASSERT_EQUAL(std::string("sends 5 bytes instead of 6"),
                         judged({5, 6, digest::sha1_of(body), ""}, part(5)));
    CPPUNIT_ASSERT_EQUAL(std::string("has no bytes from 5 on"),
                         judged({5, 5, digest::sha1_of(body), ""}, answered(416)));
    // The whole file in place of a piece, and what is packed, cannot be compared.
    CPPUNIT_ASSERT_EQUAL(std::string(), judged({5, 5, digest::sha1_of("x"), ""}, answered(200)));
    CPPUNIT_ASSERT_EQUAL(std::string(), judged({0, 5678, "", digest::sha256_of("x")},
                                               answered(200, {{"Content-Encoding", "gzip"}})));
  }

  void tellsAPieceThatBreaksOffFromAServerThatFails() {
    const auto judged = [&](int status, FailureKind kind) {
      PoolAnswer answer = failed(kind, "the connection broke off");
      answer.status = status;
      answer.body = "pie";
      const db::ContentPiece piece{5, 5, digest::sha1_of("piece"), ""};
      Check one({Way{}, kUrl, 5678, {1'700'000'000}, false, 0, piece, false}, options_);
      return *one.take(answer, kNow);
    };
    const Verdict cut = judged(206, FailureKind::broken);
    CPPUNIT_ASSERT(cut.outcome == CheckOutcome::wrong_file);
    CPPUNIT_ASSERT_EQUAL(std::string("breaks off after 3 of 5 bytes"), cut.reason);
    CPPUNIT_ASSERT(judged(0, FailureKind::broken).outcome == CheckOutcome::bad);
    CPPUNIT_ASSERT(judged(503, FailureKind::broken).outcome == CheckOutcome::bad);
    CPPUNIT_ASSERT(judged(206, FailureKind::timeout).outcome == CheckOutcome::bad);
  }

  void tellsANewerFileFromOtherBytes() {
    for (const auto& [time, other_bytes] : {std::pair{"Tue, 14 Nov 2023 22:13:20 GMT", true},
                                            std::pair{"Fri, 17 Nov 2023 22:13:20 GMT", false}}) {
      PoolAnswer answer = answered(200, {{"Last-Modified", time}});
      answer.body = std::string(5678, 'x');
      Check one({Way{},
                 kUrl,
                 5678,
                 {1'700'000'000},
                 false,
                 0,
                 db::ContentPiece{0, 5678, "", digest::sha256_of("y")},
                 false},
                options_);
      CPPUNIT_ASSERT(one.request({}).headers.empty());  // the whole of it
      const Verdict verdict = *one.take(answer, kNow);
      CPPUNIT_ASSERT(verdict.outcome == CheckOutcome::wrong_file);
      CPPUNIT_ASSERT_EQUAL(other_bytes, verdict.other_bytes);
    }
  }

  void tellsANewerFileFromAWrongOne() {
    const auto newer = [&](const char* time) {
      const auto wrong = answered(200, {{"Content-Length", "9"}, {"Last-Modified", time}});
      const Verdict verdict = *check().take(wrong, kNow);
      CPPUNIT_ASSERT(verdict.outcome == CheckOutcome::wrong_file);
      return verdict.newer;
    };
    CPPUNIT_ASSERT(newer("Wed, 15 Nov 2023 22:13:20 GMT"));
    CPPUNIT_ASSERT(!newer("Mon, 13 Nov 2023 22:13:20 GMT"));
    CPPUNIT_ASSERT(!newer("yesterday"));
  }

  void waitsAsLongAsItIsAskedTo() {
    const auto wait = [&](int status, const char* text) {
      return check().take(answered(status, {{"Retry-After", text}}), kNow)->wait_s;
    };
    CPPUNIT_ASSERT(wait(429, "30") == 30);
    CPPUNIT_ASSERT(wait(503, "86400") == 3600);
    CPPUNIT_ASSERT(wait(429, "Wed, 15 Nov 2023 22:13:20 GMT") == 3600);
    CPPUNIT_ASSERT(!wait(503, "") && !wait(500, "30"));
    CPPUNIT_ASSERT(check().take(answered(429), kNow)->outcome == CheckOutcome::unknown);
  }

  void tellsWhatMayBeTheFileAlone() {
    for (const int status : {403, 451, 500, 503})
      CPPUNIT_ASSERT(judge_get(answered(status)).of_file);
    CPPUNIT_ASSERT(judge_get(redirected("https://ftp.example/login")).of_file);
    CPPUNIT_ASSERT(!judge_get(answered(204)).of_file && !judge_get(answered(401)).of_file);
  }

  void asksForOneByteWhereHeadIsNotBelieved() {
    CheckTarget target = check().target();
    target.by_get = true;
    const PoolRequest request = Check(target, options_).request({});
    CPPUNIT_ASSERT(request.method == PoolRequest::Method::get);
    CPPUNIT_ASSERT(request.headers == std::vector<std::string>{"Range: bytes=0-0"});
  }

  void saysWhenItComparedNothing() {
    CheckTarget target = check().target();
    target.piece = db::ContentPiece{5, 5, digest::sha1_of("piece"), ""};
    const Verdict verdict = *Check(target, options_).take(answered(200), kNow);
    CPPUNIT_ASSERT(verdict.outcome == CheckOutcome::good && !verdict.compared);
  }

  void expectsThatNoNameOfItsOwnExists() {
    const auto outcome = [&](PoolAnswer answer) {
      Check one({Way{}, kUrl, 5678, {}, false, 0, {}, true}, options_);
      return one.take(answer, kNow)->outcome;
    };
    for (const int status : {404, 403, 500})
      CPPUNIT_ASSERT(outcome(answered(status)) == CheckOutcome::good);
    CPPUNIT_ASSERT(outcome(redirected("https://ftp.example/home")) == CheckOutcome::good);
    CPPUNIT_ASSERT(outcome(answered(200)) == CheckOutcome::wrong_file);
  }

  void comparesNoTimesOfAnotherHost() {
    const PoolAnswer answer = answered(200, {{"Last-Modified", "Sun, 13 Sep 2020 12:26:40 GMT"}});
    Check cdn = check(), same = check();
    CPPUNIT_ASSERT(!cdn.take(redirected("https://cdn.example/a%20b.deb"), kNow));
    CPPUNIT_ASSERT(cdn.take(answer, kNow)->outcome == CheckOutcome::good);
    CPPUNIT_ASSERT_EQUAL(std::string("cdn.example"), cdn.final_host());
    CPPUNIT_ASSERT_EQUAL(std::string(), same.final_host());
    CPPUNIT_ASSERT(!same.take(redirected("https://ftp.example/x/a%20b.deb"), kNow));
    CPPUNIT_ASSERT(same.take(answer, kNow)->outcome == CheckOutcome::wrong_file);
  }

  void asksForOneByteWhereHeadIsRefused() {
    for (const int status : {403, 405, 501}) {
      Check one = check();
      CPPUNIT_ASSERT(!one.take(answered(status), kNow));
      const PoolRequest request = one.request({});
      CPPUNIT_ASSERT(request.method == PoolRequest::Method::get);
      CPPUNIT_ASSERT_EQUAL(std::string("Range: bytes=0-0"), request.headers.at(0));
      CPPUNIT_ASSERT(one.take(answered(status), kNow)->outcome == CheckOutcome::bad);
    }
  }

  void saysWhichRedirectsAreWrong() {
    options_.server_urls = {"https://redirector.example/d/"};
    const std::pair<std::string, std::string> cases[] = {
        {"https://cdn.example/x/a%20b.deb?token=1#f", ""},
        {"https://cdn.example/x/a b.deb", ""},
        {"", "answers with a redirect to nowhere"},
        {kUrl, "redirects in a loop"},
        {"http://cdn.example/a%20b.deb",
         "redirects from https to http: http://cdn.example/a%20b.deb"},
        {"https://cdn.example/sorry.html",
         "redirects to another file: https://cdn.example/sorry.html"},
        {"https://cdn.example/?a%20b.deb",
         "redirects to another file: https://cdn.example/?a%20b.deb"},
        {"http://redirector.example/d/e/a%20b.deb",
         "redirects back to us: http://redirector.example/d/e/a%20b.deb"},
        {"ftp://x/a%20b.deb", "redirects to what is neither http nor https: ftp://x/a%20b.deb"}};
    for (const auto& [url, reason] : cases) {
      const std::optional<Verdict> verdict = check().take(redirected(url), kNow);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(url, reason, verdict ? verdict->reason : "");
    }
  }

  void followsRedirectsFromPublicToPublicAddressesOnly() {
    for (const char* host : {"10.1.2.3", "192.168.0.1", "127.0.0.1", "169.254.0.1", "[::1]",
                             "[fe80::1]", "[fd00::1]", "100.64.0.1"}) {
      const auto verdict =
          check().take(redirected(std::string("https://") + host + ":8/a%20b.deb"), kNow);
      CPPUNIT_ASSERT_MESSAGE(host, verdict && verdict->outcome == CheckOutcome::bad);
      CPPUNIT_ASSERT(verdict->reason.starts_with("redirects to an address of a private network: "));
    }
    Check named = check();
    CPPUNIT_ASSERT(!named.request({}).public_only);
    CPPUNIT_ASSERT(!named.take(redirected("https://in.example/a%20b.deb"), kNow));
    CPPUNIT_ASSERT(named.request({}).public_only);
    CPPUNIT_ASSERT_EQUAL(
        std::string("redirects to in.example: leads to an address of a private network"),
        named
            .take(failed(FailureKind::private_address, "leads to an address of a private network"),
                  kNow)
            ->reason);
  }

  void followsPrivateRedirectsOfAPrivateMirror() {
    Check one = check();
    CPPUNIT_ASSERT(!one.take(redirected("https://10.1.2.3/a%20b.deb", "127.0.0.1"), kNow));
    CPPUNIT_ASSERT(!one.request({}).public_only);
    CPPUNIT_ASSERT(one.take(answered(200), kNow)->outcome == CheckOutcome::good);
  }

  void saysWhenACertificateExpired() {
    for (const auto& [end, reason] :
         {std::pair{kNow - 1, "the certificate expired on 2023-11-14"},
          std::pair{kNow + 100, "its certificate cannot be trusted: self-signed"}}) {
      Check one = check();
      const char* const words = "its certificate cannot be trusted: self-signed";
      CPPUNIT_ASSERT(!one.take(failed(FailureKind::certificate, words), kNow));
      CPPUNIT_ASSERT(one.request({}).method == PoolRequest::Method::handshake);
      PoolAnswer answer = answered(0);
      answer.certificate_end = end;
      CPPUNIT_ASSERT_EQUAL(std::string(reason), one.take(answer, kNow)->reason);
      CPPUNIT_ASSERT_EQUAL(end, *one.certificate_end());
    }
  }

  void doesNotJudgeWhatThisMachineCannotReach() {
    const auto outcome = [&](const PoolAnswer& answer) {
      return check().take(answer, kNow)->outcome;
    };
    CPPUNIT_ASSERT(outcome(failed(FailureKind::connect, "network is unreachable", ENETUNREACH)) ==
                   CheckOutcome::unknown);
    CPPUNIT_ASSERT(outcome(failed(FailureKind::own, "no memory")) == CheckOutcome::unknown);
    CPPUNIT_ASSERT(outcome(failed(FailureKind::connect, "connection refused", ECONNREFUSED)) ==
                   CheckOutcome::bad);
    CPPUNIT_ASSERT(check().take(failed(FailureKind::timeout, "no answer"), kNow)->waited);
  }

  void sharesItsTimeAmongItsRequests() {
    using std::chrono::milliseconds;
    options_.timeout = milliseconds(10000);
    Check one = check();
    CPPUNIT_ASSERT(one.request(milliseconds(5)).timeout == milliseconds(10000));
    CPPUNIT_ASSERT(!one.take(redirected("https://cdn.example/a%20b.deb"), kNow));
    CPPUNIT_ASSERT(one.request(milliseconds(9000)).timeout == milliseconds(1000));
    CPPUNIT_ASSERT(one.request(milliseconds(9000)).connect_timeout == milliseconds(1000));
    CPPUNIT_ASSERT(one.request(milliseconds(99000)).timeout == milliseconds(1));
  }

  void boundsAndCleansReasons() {
    std::string long_url = "https://cdn.example/";
    for (int i = 0; i < 400; ++i) long_url += "\xc3\xbc";
    const std::string reason = check().take(redirected(long_url), kNow)->reason;
    CPPUNIT_ASSERT(reason.size() <= 410 && reason.ends_with("\xbc..."));
    CPPUNIT_ASSERT_EQUAL(std::string("redirects to another file: https://x/\\x1B[1m"),
                         check().take(redirected("https://x/\x1b[1m"), kNow)->reason);
  }

  void claimsWaysByUrlsAndFamilies() {
    const auto claimed = [](const std::string& http, const std::string& https, bool v4, bool v6) {
      std::string text;
      for (const Way way : claimed_ways(http, https, v4, v6)) text += way.text() + " ";
      return text;
    };
    CPPUNIT_ASSERT_EQUAL(std::string("http/ipv4 "), claimed("http://a/", "", true, false));
    CPPUNIT_ASSERT_EQUAL(std::string("http/ipv4 http/ipv6 https/ipv4 https/ipv6 "),
                         claimed("http://a/", "https://a/", true, true));
    CPPUNIT_ASSERT_EQUAL(std::string("http/ipv6 https/ipv4 "),
                         claimed("http://[2001:db8::1]:80/", "https://192.0.2.1:1/", true, true));
    CPPUNIT_ASSERT_EQUAL(std::string(""), claimed("http://192.0.2.1/", "", false, true));
  }

 private:
  Verdict judge_get(const PoolAnswer& answer) const {
    CheckTarget target = check().target();
    target.by_get = true;
    return *Check(target, options_).take(answer, kNow);
  }
  Check check() const {
    return Check({Way{true, Family::ipv4}, kUrl, 5678, {1'700'000'000}, true, 0, {}, false},
                 options_);
  }

  CheckOptions options_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProbeCheckTest);

}  // namespace
}  // namespace mirror::probe::test
