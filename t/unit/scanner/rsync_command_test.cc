#include "scanner/rsync/rsync_command.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror::scanner {

class RsyncCommandTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RsyncCommandTest);
  CPPUNIT_TEST(takesOnlyRsyncUrls);
  CPPUNIT_TEST(permitsOnlyHarmlessOptions);
  CPPUNIT_TEST(buildsTheCommandLine);
  CPPUNIT_TEST(escapesWildcardsOnlyWhereTheDaemonExpandsThem);
  CPPUNIT_TEST_SUITE_END();

 public:
  void takesOnlyRsyncUrls() {
    for (const char* url :
         {"rsync://h/m", "rsync://h/m/", "rsync://joe@h:873/m/a b/", "rsync://[::1]:873/m/"}) {
      CPPUNIT_ASSERT_MESSAGE(url, !rsync_url_fault(url));
    }
    for (const char* url :
         {"", "h::m", "/etc", "-e sh", "http://h/m", "rsync://", "rsync:///m", "rsync://h",
          "rsync://h/", "rsync://h//", "rsync://-oProxyCommand=x/m", "rsync://joe@-x/m",
          "rsync://joe:hush@h/m", "rsync://:873/m", "rsync://h/m\n", "RSYNC://h/m"}) {
      CPPUNIT_ASSERT_MESSAGE(url, rsync_url_fault(url));
    }
  }

  void permitsOnlyHarmlessOptions() {
    for (const char* option : {"-4", "-6", "--ipv4", "--port=8730", "--bwlimit=100",
                               "--exclude=*.tmp", "--exclude=", "--no-iconv", "ssl"}) {
      CPPUNIT_ASSERT_MESSAGE(option, !rsync_option_fault(option));
    }
    for (const char* option : {"",
                               "-",
                               "--",
                               "-e",
                               "-e sh",
                               "-4e",
                               "--rsh=sh",
                               "--rsync-path=x",
                               "--files-from=/etc/passwd",
                               "--log-file=/x",
                               "--port",
                               "--ipv4=1",
                               "--exclude-from=/etc/shadow",
                               "--password-file=/x",
                               "--write-batch=/x",
                               "--temp-dir=/x",
                               "--delete",
                               "--remove-source-files",
                               "--early-input=/x",
                               "--filter=merge /x",
                               "--bwlim=1",
                               "rsync://evil/m",
                               "--sockopts",
                               "-M--x",
                               "--out-format=x",
                               "--remote-option=x",
                               "--no-list-only",
                               "ssl=1",
                               "--type=openssl",
                               "--no-r"}) {
      CPPUNIT_ASSERT_MESSAGE(option, rsync_option_fault(option));
    }
    CPPUNIT_ASSERT(rsync_option_fault(std::string_view("--port=1\0", 9)));
  }

  void buildsTheCommandLine() {
    Target target;
    target.url = "rsync://h/m";
    target.directory = "a b/[x]";
    target.options = {"-6"};
    target.password_file = "/hush";
    target.connect_timeout_s = 3;
    target.idle_timeout_s = 4;
    CPPUNIT_ASSERT((rsync_command(target) ==
                    std::vector<std::string>{"rsync", "-rl", "--list-only", "--no-motd", "--no-h",
                                             "--contimeout=3", "--timeout=4", "-6", "--",
                                             "rsync://h/m/a b/\\[x\\]/"}));
    target.options = {"-6", "ssl", "--contimeout=9"};
    CPPUNIT_ASSERT(
        (rsync_command(target) ==
         std::vector<std::string>{"rsync-ssl", "-rl", "--list-only", "--no-motd", "--no-h",
                                  "--timeout=4", "-6", "--", "rsync://h/m/a b/\\[x\\]/"}));
    Target plain;
    plain.url = "rsync://h/m/";
    CPPUNIT_ASSERT_EQUAL(std::string("rsync://h/m/"), rsync_command(plain).back());
    plain.directory = "-x";
    CPPUNIT_ASSERT_EQUAL(std::string("rsync://h/m/./-x/"), rsync_command(plain).back());
  }

  void escapesWildcardsOnlyWhereTheDaemonExpandsThem() {
    CPPUNIT_ASSERT_EQUAL(std::string("a/back\\slash #~{}"),
                         escape_rsync_path("a/back\\slash #~{}"));
    CPPUNIT_ASSERT_EQUAL(std::string("a\\*\\?\\[b\\]\\\\"), escape_rsync_path("a*?[b]\\"));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RsyncCommandTest);

}  // namespace mirror::scanner
