#include "notify/notice.h"

#include <cppunit/extensions/HelperMacros.h>

#include <nlohmann/json.hpp>

#include "notify/message.h"

namespace mirror::notify {
namespace {

Change change(const char* what, const char* from, const char* to, const char* why = "") {
  return {7, 1795946520, "a", what, from, to, why};
}

class NoticeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(NoticeTest);
  CPPUNIT_TEST(sentencesSayWhatHappened);
  CPPUNIT_TEST(nobodyIsToldOfAFirstCheck);
  CPPUNIT_TEST(subjectsCountChangesAndMirrors);
  CPPUNIT_TEST(manyChangesAreCounted);
  CPPUNIT_TEST(secretsAreCut);
  CPPUNIT_TEST(mailHasNoForeignHeaders);
  CPPUNIT_TEST(eachServiceGetsItsForm);
  CPPUNIT_TEST(urlsAreShownWithoutTheirPath);
  CPPUNIT_TEST(serversThatRepeatTheRequestTellNoSecret);
  CPPUNIT_TEST_SUITE_END();

 public:
  void sentencesSayWhatHappened() {
    const std::pair<Change, const char*> cases[] = {
        {change("https/ipv6", "up", "down", "connection refused"),
         "mirror a is down for https over IPv6 since 2026-11-29 10:02 UTC: connection refused"},
        {change("http/ipv4", "down", "up"),
         "mirror a is up again for http over IPv4 since 2026-11-29 10:02 UTC"},
        {change("standing", "good", "stale", "3 days behind"),
         "mirror a is stale since 2026-11-29 10:02 UTC: 3 days behind"},
        {change("standing", "stale", "good"), "mirror a is good again since 2026-11-29 10:02 UTC"},
        {change("scan", "refused", "merged", "40 of 40 files are gone over http too"),
         "mirror a was believed although its scan was refused at 2026-11-29 10:02 UTC: 40 of 40 "
         "files are gone over http too"},
        {change("colour", "red", "blue"),
         "mirror a has another colour: blue at 2026-11-29 10:02 UTC"},
        {change("enabled", "yes", "no"), "mirror a is disabled since 2026-11-29 10:02 UTC"},
    };
    for (const auto& [one, text] : cases) CPPUNIT_ASSERT_EQUAL(std::string(text), sentence(one));
  }

  void nobodyIsToldOfAFirstCheck() {
    CPPUNIT_ASSERT(state_of(change("http/ipv4", "unknown", "up")).empty());
    CPPUNIT_ASSERT(state_of(change("http/ipv4", "down", "unknown")).empty());
    CPPUNIT_ASSERT(state_of(change("http/ipv4", "unknown", "down")) == "down");
    CPPUNIT_ASSERT(state_of(change("enabled", "no", "yes")) == "enabled");
    CPPUNIT_ASSERT(state_of(change("scan", "refused", "merged")) == "scan");
  }

  void subjectsCountChangesAndMirrors() {
    const Change down = change("http/ipv4", "up", "down");
    Change other = down;
    other.mirror = "b";
    CPPUNIT_ASSERT_EQUAL(std::string("mirror a is down for http over IPv4"),
                         make_notice("", "t", {down}).subject);
    CPPUNIT_ASSERT_EQUAL(std::string("[main] 3 changes of 2 mirrors: a, b"),
                         make_notice("main", "t", {down, other, down}).subject);
  }

  void manyChangesAreCounted() {
    const Notice notice =
        make_notice("", "t", std::vector<Change>(70, change("http/ipv4", "up", "down")));
    CPPUNIT_ASSERT_EQUAL(std::size_t{20}, notice.left_out);
    CPPUNIT_ASSERT_EQUAL(kMostLines, notice.changes.size());
    CPPUNIT_ASSERT(notice.text.starts_with("20 earlier changes are not listed"));
    CPPUNIT_ASSERT(notice.subject.starts_with("70 changes"));
  }

  void secretsAreCut() {
    const std::pair<const char*, const char*> cases[] = {
        {"rsync://user:pass@host/x refused", "rsync://***@host/x refused"},
        {"https://p@ss@host/", "https://***@host/"},
        {"https://host/a@b", "https://host/a@b"},
        {"GET https://h/?access_token=abc&x=1", "GET https://h/?access_token=***&x=1"},
        {"X-Api-Key=abc; size=7", "X-Api-Key=***; size=7"},
        {"connection refused", "connection refused"},
    };
    for (const auto& [text, cut] : cases)
      CPPUNIT_ASSERT_EQUAL(std::string(cut), without_secrets(text));
    CPPUNIT_ASSERT(sentence(change("standing", "good", "wrong", "rsync://u:p@h/")).find("u:p") ==
                   std::string::npos);
  }

  void mailHasNoForeignHeaders() {
    Notice notice = make_notice(
        "", "my target", {change("standing", "good", "wrong", "a\nBcc: x@y.example\r\n\r\nb")});
    const std::string mail = notice_mail(notice, "f@h.example", {"a@b.example", "c@d.example"},
                                         "host.example", 1795946520);
    const std::string head = mail.substr(0, mail.find("\n\n"));
    CPPUNIT_ASSERT(head.find("Bcc") == std::string::npos);
    CPPUNIT_ASSERT(head.find("To: a@b.example, c@d.example\n") != std::string::npos);
    CPPUNIT_ASSERT(head.find("Date: Sun, 29 Nov 2026 10:02:00 +0000\n") != std::string::npos);
    CPPUNIT_ASSERT(head.find("Message-ID: <my.target.7.7@host.example>\n") != std::string::npos);
    notice.subject = "mirror \xc3\xa4";
    CPPUNIT_ASSERT(notice_mail(notice, "", {"a@b.example"}, "h", 0)
                       .starts_with("To: a@b.example\nSubject: =?utf-8?B?bWlycm9yIMOk?=\n"));
  }

  void eachServiceGetsItsForm() {
    const Notice notice =
        make_notice("", "t", {change("standing", "good", "wrong", "<!channel> &")});
    const auto body = [&](const char* form, const char* url) {
      return nlohmann::json::parse(web_message(notice, form, url, "")->body);
    };
    CPPUNIT_ASSERT(body("json", "https://h/x")["changes"][0]["to"] == "wrong");
    CPPUNIT_ASSERT(body("slack", "https://h/x")["text"].get<std::string>().find(
                       "&lt;!channel&gt; &amp;") != std::string::npos);
    CPPUNIT_ASSERT(body("discord", "https://h/x")["allowed_mentions"]["parse"].empty());
    CPPUNIT_ASSERT(body("matrix", "https://h/x")["msgtype"] == "m.text");
    CPPUNIT_ASSERT(body("ntfy", "https://h/mirrors")["topic"] == "mirrors");
    CPPUNIT_ASSERT_EQUAL(std::string("https://h/"),
                         web_message(notice, "ntfy", "https://h/mirrors", "")->url);
    CPPUNIT_ASSERT(!web_message(notice, "ntfy", "https://h/", ""));
    CPPUNIT_ASSERT(!web_message(notice, "ntfy", "https://h", ""));
    const WebMessage matrix =
        web_message(notice, "matrix", "https://h/send/m.room.message", "k").value();
    CPPUNIT_ASSERT_EQUAL(std::string("PUT https://h/send/m.room.message/t.7.7"),
                         matrix.method + " " + matrix.url);
    CPPUNIT_ASSERT_EQUAL(std::string("Authorization: Bearer k"), matrix.headers.back());
  }

  void urlsAreShownWithoutTheirPath() {
    CPPUNIT_ASSERT_EQUAL(std::string("https://hooks.example"),
                         url_without_path("https://hooks.example/T000/secret"));
    CPPUNIT_ASSERT_EQUAL(std::string("https://h"), url_without_path("https://u:p@h?x=secret"));
    CPPUNIT_ASSERT_EQUAL(std::string("the webhook"), url_without_path("secret"));
  }

  void serversThatRepeatTheRequestTellNoSecret() {
    const auto said = [](const char* text) {
      return without_address(text, "https://h.example/T000/B1/s3cret?x=hidden", "to-ken");
    };
    CPPUNIT_ASSERT_EQUAL(std::string("no route ***"), said("no route /T000/B1/s3cret?x=hidden"));
    CPPUNIT_ASSERT_EQUAL(std::string("cannot POST /***/B1/***"),
                         said("cannot POST /T000/B1/s3cret"));
    CPPUNIT_ASSERT_EQUAL(std::string("'***' is no room, '***' no user"),
                         said("'hidden' is no room, 'to-ken' no user"));
    CPPUNIT_ASSERT_EQUAL(std::string("not found"), said("not found"));
    CPPUNIT_ASSERT_EQUAL(std::string("not found"), without_address("not found", "https://h", ""));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(NoticeTest);

}  // namespace
}  // namespace mirror::notify
