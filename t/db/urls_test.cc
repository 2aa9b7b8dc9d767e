// The database's constraints on URLs and check_url() are two spellings of one rule: both judge the
// same thousand URLs.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <random>

#include "core/url.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

// URLs put together from parts that are good, bad and on the border, some damaged in one place.
class Urls {
 public:
  explicit Urls(unsigned seed) : random_(seed) {}

  std::string next() {
    std::string url = one_of({"http://", "https://", "ftp://", "rsync://", "HTTP://", "http:/", ""},
                             mostly_below(4)) +
                      one_of({"", "", "joe@", "joe:hush@", "@", "-x@", "a@b@"}, mostly_below(2)) +
                      host() +
                      one_of({"", ":80", ":65535", ":65536", ":0", ":080", ":", ":x", ":123456",
                              ":6553", ":9999999999999999999999"},
                             mostly_below(3));
    for (int i = roll(4); i >= 0; --i) url += '/' + segment();
    if (roll(4) > 0) url += '/';
    if (roll(4) == 0) damage(url);
    return url;
  }

 private:
  std::mt19937 random_;

  int roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }
  std::size_t mostly_below(int good) {
    return roll(8) == 0 ? 1000 : static_cast<std::size_t>(good);
  }

  // One of the first `limit`.
  std::string one_of(const std::vector<std::string>& all, std::size_t limit = 1000) {
    return all[static_cast<std::size_t>(roll(static_cast<int>(std::min(limit, all.size()))))];
  }

  std::string host() {
    if (roll(3) == 0) return '[' + ipv6() + (roll(9) == 0 ? "" : "]");
    if (roll(3) == 0) {
      std::string address = number();
      for (int i = roll(6) == 0 ? roll(6) : 3; i > 0; --i) address += '.' + number();
      return address;
    }
    std::string name = label();
    for (int i = roll(4); i > 0; --i) name += '.' + label();
    return name + one_of({"", ".", ".."}, mostly_below(2));
  }

  std::string number() {
    return one_of({"0", "9", "10", "99", "127", "199", "200", "249", "255", "256", "01", "0x7f",
                   "1000", "-1", ""},
                  mostly_below(9));
  }

  std::string label() {
    return one_of({"m", "example", "a-b", "x_y", "3com", "xn--mller-kva", std::string(63, 'a'),
                   std::string(64, 'a'), "-a", "a-", "", "müller", "a b", "a%41", "0x", "7", "ſ"},
                  mostly_below(7));
  }

  std::string ipv6() {
    std::string text;
    const int groups = roll(2) == 0 ? 8 : roll(10);
    const int gap = roll(2) == 0 ? roll(groups + 1) : -1;
    for (int i = 0; i < groups; ++i) {
      if (i == gap) text += i == 0 ? "::" : ":";
      text +=
          one_of({"0", "1", "ab", "FFFF", "2001", "12345", "", "g", "1.2.3.4"}, mostly_below(5));
      if (i + 1 < groups || gap == groups) text += ':';
    }
    return gap == groups ? text + ':' : text;
  }

  std::string segment() {
    return one_of({"pub",    "a",        "",     "%7Ex",   "~!$&'()*+,;=:@-._",
                   "...",    "%C3%BC",   ".",    "..",     "%2e",
                   "%2E.",   ".%2e",     "%zz",  "%4",     "%00",
                   "ü",      "\"",       "<",    ">",      "\\",
                   " ",      "a b",      "?q=1", "#f",     "[",
                   "]",      "{",        "|",    "^",      "`",
                   "\t",     "\r\nX: y", "\x7f", "\u0085", "\u00a0",
                   "\u2028", "😀",        "%",    "100%"},
                  mostly_below(7));
  }

  void damage(std::string& url) {
    static constexpr std::string_view kMarks = "/:@[].%?#\\<\" -_\x01";
    const auto mark = std::string(1, kMarks[static_cast<std::size_t>(roll(kMarks.size()))]);
    // Between characters: the database takes no broken UTF-8.
    std::size_t at = static_cast<std::size_t>(roll(static_cast<int>(url.size()) + 1));
    while (at < url.size() && (static_cast<unsigned char>(url[at]) & 0xc0) == 0x80) ++at;
    url.insert(at, mark);
  }
};

class UrlsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(UrlsTest);
  CPPUNIT_TEST(constraintsAndCodeJudgeAThousandUrlsAlike);
  CPPUNIT_TEST(saysWhatIsWrongWithAUrl);
  CPPUNIT_TEST_SUITE_END();

 public:
  void constraintsAndCodeJudgeAThousandUrlsAlike() {
    const unsigned seed = std::random_device()();
    TestDatabase database;
    Connection connection = database.connect();
    insert_mirror(connection, "one", {{"http_url", "http://a/"}, {"https_url", "https://a/"}});
    Urls urls(seed);
    int good = 0;
    constexpr int kUrls = 1000;
    for (int i = 0; i < kUrls; ++i) {
      const std::string url = urls.next();
      bool taken = false;
      for (const auto& [column, kind] : kColumns) {
        const bool fits = is_url(url, kind);
        taken |= fits;
        CPPUNIT_ASSERT_EQUAL_MESSAGE(
            fmt::format("seed {}, {} '{}': {}", seed, column, url, check_url(url, kind).text()),
            fits, database_takes(connection, column, url));
      }
      good += taken;
    }
    // Neither kind is rare.
    CPPUNIT_ASSERT_MESSAGE(fmt::format("seed {}: {} good ones", seed, good),
                           good > kUrls / 5 && good < kUrls * 4 / 5);
  }

  void saysWhatIsWrongWithAUrl() {
    TestDatabase database;
    Connection connection = database.connect();
    const MirrorId id = add_mirror(connection, "one");
    try {
      update_mirror(connection, id, {{"http_url", "http://m.example/ü"}});
      CPPUNIT_FAIL("taken");
    } catch (const Error& error) {
      CPPUNIT_ASSERT_EQUAL(
          std::string("http_url: 'http://m.example/ü' cannot be used: it has a character that "
                      "URLs write as an escape: 'ü' is %C3%BC"),
          std::string(error.what()));
    }
  }

 private:
  static constexpr std::pair<const char*, UrlKind> kColumns[] = {
      {"http_url", UrlKind::http_base}, {"https_url", UrlKind::https_base},
      {"ftp_url", UrlKind::ftp_base},   {"rsync_url", UrlKind::rsync},
      {"operator_url", UrlKind::page},
  };

  // Past all of our own checks.
  static bool database_takes(Connection& connection, const char* column, const std::string& url) {
    if (url.empty()) return false;  // is no URL, and stands for none
    try {
      const bool is_endpoint = std::string_view(column) == "rsync_url";
      connection.run(is_endpoint
                         ? "INSERT INTO endpoint (mirror_id, method, url) SELECT id, 'rsync', $1 "
                           "FROM mirror ON CONFLICT (mirror_id, method) DO UPDATE SET url = $1"
                         : fmt::format("UPDATE mirror SET {} = $1", column),
                     Params().text(url));
      return true;
    } catch (const Error& error) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(url, std::string("23514"), error.sqlstate());
      return false;
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(UrlsTest);

}  // namespace
}  // namespace mirror::db::test
