#include "scanner/rsync/rsync_job.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror::scanner {

class RsyncJobTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RsyncJobTest);
  CPPUNIT_TEST(permitsOnlyHarmlessOptions);
  CPPUNIT_TEST(buildsTheCommandLine);
  CPPUNIT_TEST(escapesWildcardsOnlyWhereTheDaemonExpandsThem);
  CPPUNIT_TEST(findsThePartOfTheModule);
  CPPUNIT_TEST_SUITE_END();

 public:
  void permitsOnlyHarmlessOptions() {
    for (const char* option : {"-4", "-6", "--ipv4", "--port=8730", "--bwlimit=100",
                               "--exclude=*.tmp", "--exclude=", "--no-iconv"}) {
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
                               "--no-r"}) {
      CPPUNIT_ASSERT_MESSAGE(option, rsync_option_fault(option));
    }
    CPPUNIT_ASSERT(rsync_option_fault(std::string_view("--port=1\0", 9)));
  }

  void buildsTheCommandLine() {
    RsyncJob job;
    job.url = "rsync://h/m";
    job.directory = "a b/[x]";
    job.options = {"-6"};
    job.password = "hush";
    job.connect_timeout_s = 3;
    job.idle_timeout_s = 4;
    CPPUNIT_ASSERT(
        (rsync_command(job) == std::vector<std::string>{"rsync", "-rl", "--list-only", "--no-motd",
                                                        "--no-h", "--contimeout=3", "--timeout=4",
                                                        "-6", "--", "rsync://h/m/a b/\\[x\\]/"}));
    RsyncJob plain;
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

  void findsThePartOfTheModule() {
    struct {
      const char *subtree, *strip, *add;
      bool nothing, may_be_missing;
      const char *directory, *prefix;
    } const cases[] = {
        {"", "", "", false, false, "", ""},
        {"a/b", "", "", false, true, "a/b", "a/b"},
        {"", "pub/tree/", "", false, false, "pub/tree", ""},
        {"a", "/pub/tree", "", false, true, "pub/tree/a", "a"},
        {"", "", "iso/", false, false, "", "iso"},
        {"iso", "", "iso", false, false, "", "iso"},
        {"iso/x", "", "iso", false, true, "x", "iso/x"},
        {"iso", "", "iso/sub", false, false, "", "iso/sub"},
        {"isolinux", "", "iso", true, false, "", ""},
        {"is", "", "iso", true, false, "", ""},
        {"other", "", "iso", true, false, "", ""},
        {"iso/x", "pub", "iso", false, true, "pub/x", "iso/x"},
    };
    for (const auto& c : cases) {
      const Part part = part_of_module(c.subtree, c.strip, c.add);
      const std::string what = std::string(c.subtree) + "|" + c.strip + "|" + c.add;
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, c.nothing, part.nothing);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, c.may_be_missing, part.may_be_missing);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::string(c.directory), part.directory);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::string(c.prefix), part.prefix);
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RsyncJobTest);

}  // namespace mirror::scanner
