#include "core/url.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror {

class UrlTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(UrlTest);
  CPPUNIT_TEST(takesWhatCanBeSent);
  CPPUNIT_TEST(saysWhatIsWrong);
  CPPUNIT_TEST(showsTheEscapeOfACharacter);
  CPPUNIT_TEST(takesOnlyRsyncUrls);
  CPPUNIT_TEST(takesAUserWithoutPasswordOfFtpToScan);
  CPPUNIT_TEST(showsNoPassword);
  CPPUNIT_TEST(isLenientWithPages);
  CPPUNIT_TEST(trackersAreNoFolders);
  CPPUNIT_TEST(hostsEndSomewhere);
  CPPUNIT_TEST(knowsTheSameServer);
  CPPUNIT_TEST(findsTheHost);
  CPPUNIT_TEST_SUITE_END();

 public:
  void takesWhatCanBeSent() {
    for (const char* url :
         {"http://m.example/", "http://m.example:8080/pub/%7Ex/", "http://[2001:db8::1]/",
          "http://127.0.0.2:1/", "http://m/", "http://m.example./", "http://a_b.example/",
          "http://xn--mller-kva.example/", "http://m.example:65535/a//b/", "http://[::]:80/",
          "http://m.example/~!$&'()*+,;=:@-._/", "http://m.example/%C3%BC/", "http://3com/",
          "http://[1:2:3:4:5:6:7:8]/", "http://[1:2:3:4:5:6:7::]/"}) {
      CPPUNIT_ASSERT_MESSAGE(url, is_url(url, UrlKind::http_base));
    }
    CPPUNIT_ASSERT(is_url("https://m.example/", UrlKind::https_base));
    CPPUNIT_ASSERT(is_url("https://m.example/", UrlKind::web_base));
    CPPUNIT_ASSERT(is_url("ftp://m.example/pub/", UrlKind::ftp_base));
  }

  void saysWhatIsWrong() {
    struct Case {
      std::string_view url;
      const char* words;
    };
    static constexpr Case kCases[] = {
        {"", "does not begin with http://"},
        {"HTTP://m.example/", "does not begin with http://"},
        {"https://m.example/", "does not begin with http://"},
        {"javascript:/", "does not begin with http://"},
        {"http://", "the host is missing"},
        {"http:///", "the host is missing"},
        {"http:///x/", "the host is missing"},
        {"http://:80/", "the host is missing"},
        {"http://?x/", "the host is missing"},
        {"http://joe@m.example/", "a user name"},
        {"http://joe:hush@m.example/", "a user name"},
        {"http://@m.example/", "a user name"},
        {"http://m.example", "does not end in '/'"},
        {"http://m.example/pub", "does not end in '/'"},
        {"http://m.example:0/", "ports go from 1 to 65535: '0'"},
        {"http://m.example:99999/", "ports go from 1 to 65535: '99999'"},
        {"http://m.example:65536/", "ports go from"},
        {"http://m.example:/", "ports go from"},
        {"http://m.example:080/", "ports go from"},
        {"http://m.example:x/", "ports go from"},
        {"http://m.example:+80/", "ports go from"},
        {"http://-m.example/", "not a host name: '-m.example'"},
        {"http://m-.example/", "not a host name"},
        {"http://m..example/", "not a host name"},
        {"http://.m.example/", "not a host name"},
        {"http://./", "not a host name"},
        {"http://m.example../", "not a host name"},
        {"http://m%41.example/", "not a host name"},
        {"http://m ex/", "not a host name"},
        {"http://m\\x/", "not a host name"},
        {"http://m\xc3\xbcller.example/", "write it as xn--"},
        {"http://256.1.1.1/", "not an IPv4 address: '256.1.1.1'"},
        {"http://127.1/", "not an IPv4 address"},
        {"http://1.2.3.4.5/", "not an IPv4 address"},
        {"http://01.2.3.4/", "not an IPv4 address"},
        {"http://2130706433/", "not an IPv4 address"},
        {"http://0x7f000001/", "not an IPv4 address"},
        {"http://::1/", "in brackets"},
        {"http://[::1/", "has no usable host and port"},
        {"http://[::1]x/", "':' and a port follow"},
        {"http://[]/", "not an IPv6 address"},
        {"http://[1.2.3.4]/", "not an IPv6 address"},
        {"http://[::1.2.3.4]/", "not an IPv6 address"},
        {"http://[fe80::1%eth0]/", "not an IPv6 address"},
        {"http://[1::2::3]/", "not an IPv6 address"},
        {"http://[1:2:3:4:5:6:7]/", "not an IPv6 address"},
        {"http://[1:2:3:4:5:6:7::8]/", "not an IPv6 address"},
        {"http://[12345::]/", "not an IPv6 address"},
        {"http://[:1]/", "not an IPv6 address"},
        {"http://m.example/?x=/", "not the URL of a folder"},
        {"http://m.example/#/", "not the URL of a folder"},
        {"http://m.example/%zz/", "without two hexadecimal digits after it, or %00"},
        {"http://m.example/%/", "without two hexadecimal digits"},
        {"http://m.example/%4/", "without two hexadecimal digits"},
        {"http://m.example/%00/", "without two hexadecimal digits"},
        {"http://m.example/a/../b/", "segment '.' or '..'"},
        {"http://m.example/./", "segment '.' or '..'"},
        {"http://m.example/%2e%2E/", "segment '.' or '..'"},
    };
    for (const auto& [url, words] : kCases) {
      const std::string text = check_url(url, UrlKind::http_base).text();
      CPPUNIT_ASSERT_MESSAGE(std::string(url) + ": " + text, text.find(words) != text.npos);
    }
    const std::string long_one = "http://m.example/" + std::string(2100, 'a') + '/';
    CPPUNIT_ASSERT_EQUAL(std::string("it is longer than 2048 bytes"),
                         check_url(long_one, UrlKind::http_base).text());
  }

  void showsTheEscapeOfACharacter() {
    const std::pair<std::string, std::string> cases[] = {{"\xc3\xbc", "'\xc3\xbc' is %C3%BC"},
                                                         {"\"", "'\"' is %22"},
                                                         {"<", "'<' is %3C"},
                                                         {"\\", "'\\\\' is %5C"},
                                                         {" ", "' ' is %20"},
                                                         {"[", "'[' is %5B"},
                                                         {"\r\nX: y", "'\\x0D' is %0D"},
                                                         {"\x7f", "'\\x7F' is %7F"},
                                                         {"{", "'{' is %7B"},
                                                         {"\xff", "'\\xFF' is %FF"},
                                                         {"^", "'^' is %5E"},
                                                         {"|", "'|' is %7C"}};
    for (const auto& [character, words] : cases) {
      const std::string url = "http://m.example/a" + character + "b/";
      CPPUNIT_ASSERT_EQUAL("it has a character that URLs write as an escape: " + words,
                           check_url(url, UrlKind::http_base).text());
    }
  }

  void takesOnlyRsyncUrls() {
    for (const char* url : {"rsync://h/m", "rsync://h/m/", "rsync://joe@h:873/m/a b/",
                            "rsync://[::1]:873/m/", "rsync://h/m/\xc3\xbc%/", "rsync://h//m"}) {
      CPPUNIT_ASSERT_MESSAGE(url, is_url(url, UrlKind::rsync));
    }
    for (const char* url : {"",
                            "h::m",
                            "/etc",
                            "-e sh",
                            "http://h/m",
                            "rsync://",
                            "rsync:///m",
                            "rsync://h",
                            "rsync://h/",
                            "rsync://h//",
                            "rsync://-oProxyCommand=x/m",
                            "rsync://joe@-x/m",
                            "rsync://joe:hush@h/m",
                            "rsync://:873/m",
                            "rsync://h/m\n",
                            "RSYNC://h/m",
                            "rsync://@h/m",
                            "rsync://-joe@h/m",
                            "rsync://a@b@h/m",
                            "rsync://h:0/m",
                            "rsync://h:99999/m",
                            "rsync://h\xc3\xbc/m",
                            "rsync://joe doe@h/m"}) {
      CPPUNIT_ASSERT_MESSAGE(url, !is_url(url, UrlKind::rsync));
    }
    const std::string text = check_url("rsync://joe:hush@h/m", UrlKind::rsync).text();
    CPPUNIT_ASSERT_MESSAGE(text, text.find("rsync_password_file") != text.npos);
  }

  void takesAUserWithoutPasswordOfFtpToScan() {
    for (const char* url :
         {"ftp://h/", "ftps://h:990/pub/", "ftp://joe@h/%2Fpub/a%20b/", "ftp://joe@[::1]:2121/"}) {
      CPPUNIT_ASSERT_MESSAGE(url, is_url(url, UrlKind::ftp_scan));
    }
    for (const char* url :
         {"http://h/", "ftp://h", "ftp://h/x", "ftp://joe:hush@h/", "ftp://@h/", "ftp://h/a b/",
          "ftp://h/../", "ftp://h/?x/", "ftp:///", "ftps://h:0/"}) {
      CPPUNIT_ASSERT_MESSAGE(url, !is_url(url, UrlKind::ftp_scan));
    }
    const std::string text = check_url("ftp://joe:hush@h/", UrlKind::ftp_scan).text();
    CPPUNIT_ASSERT_MESSAGE(text, text.find("ftp_password_file") != text.npos);
  }

  void showsNoPassword() {
    for (const UrlKind kind :
         {UrlKind::ftp_scan, UrlKind::ftp_base, UrlKind::web_base, UrlKind::rsync, UrlKind::page}) {
      for (const char* scheme : {"ftp", "rsync", "http"}) {
        const std::string text = check_url(std::string(scheme) + "://joe:hush@h/m/", kind).text();
        CPPUNIT_ASSERT_MESSAGE(text, text.find("hush") == text.npos);
      }
    }
    const std::pair<const char*, const char*> cases[] = {
        {"ftp://joe:hush@h/a@b:c/", "ftp://joe:***@h/a@b:c/"},
        {"ftp://joe:hu@sh@h/", "ftp://joe:***@h/"},
        {"joe:hush@h/", "joe:***@h/"},
        {"ftp://joe@h:21/", "ftp://joe@h:21/"},
        {"ftp://h:21/a:b@c/", "ftp://h:21/a:b@c/"},
        {"ftp://joe:hush@h", "ftp://joe:***@h"},
        {"", ""}};
    for (const auto& [url, shown] : cases)
      CPPUNIT_ASSERT_EQUAL(std::string(shown), without_password(url));
  }

  void isLenientWithPages() {
    for (const char* url : {"http://m.example", "https://m.example/a?b#c", "http://m.example?x",
                            "https://m.example/\xc3\xbc", "https://m.example/100%/<b>"}) {
      CPPUNIT_ASSERT_MESSAGE(url, is_url(url, UrlKind::page));
    }
    for (const char* url : {"", "m.example", "javascript:x", "http://", "http://m.example/a b",
                            "http://m.example/\n", "http://joe@m.example/", "https://m:0/"}) {
      CPPUNIT_ASSERT_MESSAGE(url, !is_url(url, UrlKind::page));
    }
  }

  void trackersAreNoFolders() {
    for (const char* url :
         {"http://t.example/announce", "udp://t.example:6969", "https://t.example/a?passkey=1"}) {
      CPPUNIT_ASSERT_MESSAGE(url, is_url(url, UrlKind::tracker));
    }
    for (const char* url : {"ftp://t.example/", "udp://t.example:0", "udp://", "http://t/a b",
                            "http://t/\xc3\xbc", "udp://joe@t.example:6969"}) {
      CPPUNIT_ASSERT_MESSAGE(url, !is_url(url, UrlKind::tracker));
    }
  }

  void hostsEndSomewhere() {
    const std::string label(63, 'a'), four = label + '.' + label + '.' + label + '.';
    CPPUNIT_ASSERT(!check_host_and_port(label + ".example:80"));
    CPPUNIT_ASSERT(check_host_and_port(label + "a.example"));
    CPPUNIT_ASSERT(!check_host_and_port(four + std::string(61, 'a')));
    CPPUNIT_ASSERT(check_host_and_port(four + std::string(62, 'a')));
  }

  void knowsTheSameServer() {
    CPPUNIT_ASSERT(same_url("http://A.example:80/x/", "http://a.example/x/"));
    CPPUNIT_ASSERT(!same_url("http://a.example/x/", "https://a.example/x/"));
    CPPUNIT_ASSERT(!same_url("http://a.example:443/x/", "http://a.example/x/"));
    CPPUNIT_ASSERT(same_url("https://a.example/x/", "https://A.EXAMPLE:443/x/"));
    for (const char* other :
         {"http://b.example/x/", "http://a.examplf/x/", "http://a.example.org/x/",
          "http://a.exampl/x/", "http://a.example:81/x/", "http://a.example/y/",
          "http://a.example:8080/x/", "http://a.example/x"}) {
      CPPUNIT_ASSERT(!same_url("http://a.example/x/", other));
      CPPUNIT_ASSERT(!same_url(other, "http://a.example:80/x/"));
    }
    CPPUNIT_ASSERT(is_below("https://a.example:443/x/y/", "http://A.EXAMPLE/x/"));
    CPPUNIT_ASSERT(is_below("http://a.example/x/", "http://a.example/x/"));
    CPPUNIT_ASSERT(!is_below("http://a.example/x/", "http://a.example/x/y/"));
    CPPUNIT_ASSERT(!is_below("http://b.example/x/", "http://a.example/x/"));
    for (const char* none : {"", "x", "/x/", "://"}) {
      CPPUNIT_ASSERT(!is_below(none, "http://a.example/x/"));
      CPPUNIT_ASSERT(!same_url(none, "http://a.example/x/"));
    }
  }

  void findsTheHost() {
    struct Case {
      std::string_view url, authority, host;
    };
    static constexpr Case kCases[] = {
        {"http://a.example/x", "a.example", "a.example"},
        {"https://a.example:8443/x?y#z", "a.example:8443", "a.example"},
        {"http://a.example", "a.example", "a.example"},
        {"http://a.example?x=/@b", "a.example", "a.example"},
        {"rsync://user@a.example:873/pub", "a.example:873", "a.example"},
        {"http://[2001:db8::1]:80/", "[2001:db8::1]:80", "2001:db8::1"},
        {"http://[2001:db8::1]/", "[2001:db8::1]", "2001:db8::1"},
        {"http://[2001:db8::1", "[2001:db8::1", "2001:db8::1"},
        {"http://127.0.0.1:8080/", "127.0.0.1:8080", "127.0.0.1"},
        {"http:///x", "", ""},
        {"a.example/x", "", ""},
        {"", "", ""},
    };
    for (const Case& one : kCases) {
      CPPUNIT_ASSERT_EQUAL(one.authority, url_authority(one.url));
      CPPUNIT_ASSERT_EQUAL(one.host, url_host(one.url));
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(UrlTest);

}  // namespace mirror
