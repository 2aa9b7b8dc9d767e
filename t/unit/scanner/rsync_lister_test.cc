#include "scanner/rsync/rsync_lister.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>
#include <fstream>
#include <set>

namespace mirror::scanner {

// With the texts of rsync 3.1 to 3.5.
class RsyncListerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RsyncListerTest);
  CPPUNIT_TEST(excusesUnreadableDirectoriesOnly);
  CPPUNIT_TEST(understandsEveryVersionsComplaints);
  CPPUNIT_TEST(takesNamesForNoWords);
  CPPUNIT_TEST(knowsAMissingDirectory);
  CPPUNIT_TEST(keepsRsyncsOwnWordsInBounds);
  CPPUNIT_TEST_SUITE_END();

  static Complaints heard(const std::vector<std::string>& lines) {
    Complaints complaints;
    for (const std::string& line : lines) complaints.add(line);
    return complaints;
  }

  static std::vector<std::string> recorded(const std::string& version, const char* ending) {
    const char* const source = std::getenv("MIRROR_SRCDIR");
    const std::string file =
        (source == nullptr ? ".." : std::string(source)) + "/t/data/rsync/" + version + ending;
    std::ifstream in(file);
    CPPUNIT_ASSERT_MESSAGE(file, in.good());
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

 public:
  void excusesUnreadableDirectoriesOnly() {
    const std::string verdict =
        "rsync error: some files/attrs were not transferred (see previous errors) (code 23) at "
        "main.c(1956)";
    const std::string unreadable =
        "rsync: [sender] opendir \"secret\" (in m) failed: Permission denied (13)";
    const std::string older = "rsync: opendir \"/other\" (in m) failed: Permission denied (13)";
    CPPUNIT_ASSERT(heard({unreadable, older, "", verdict}).only_unreadable_directories());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, heard({unreadable, older, verdict}).unreadable().size());
    CPPUNIT_ASSERT(heard({unreadable, "file has vanished: \"x\" (in m)", verdict})
                       .only_unreadable_directories());
    CPPUNIT_ASSERT(!heard({verdict}).only_unreadable_directories());
    for (const char* other :
         {"rsync: [sender] readdir(\"pool\") (in m): Input/output error (5)",
          "rsync: [sender] change_dir \"x\" (in m) failed: Permission denied (13)",
          "rsync: [sender] opendir \"x\" (in m) failed: Input/output error (5)",
          "IO error encountered -- skipping file deletion",
          "rsync: [sender] readlink_stat(\"a/b\" (in m)) failed: Stale file handle (116)",
          "rsync: [sender] opendir \"x\" (in m) failed: Too many open files (24)",
          "@ERROR: opendir \"x\" failed: Permission denied (13)"}) {
      CPPUNIT_ASSERT_MESSAGE(other,
                             !heard({unreadable, other, verdict}).only_unreadable_directories());
    }
  }

  void understandsEveryVersionsComplaints() {
    for (const char* version : {"v2.6.9", "v3.0.9", "v3.1.3", "v3.2.7", "v3.5.0"}) {
      Complaints complaints;
      for (const std::string& line : recorded(version, ".stderr")) {
        if (!line.starts_with("exit ")) complaints.add(line);
      }
      CPPUNIT_ASSERT_MESSAGE(version + complaints.text(), complaints.only_unreadable_directories());
      CPPUNIT_ASSERT_MESSAGE(version, (complaints.unreadable() ==
                                       std::set<std::string>{".~tmp~", "noexec", "secret"}));
    }
  }

  void takesNamesForNoWords() {
    const std::pair<std::string, std::string> lines[] = {
        {R"x(rsync: [sender] opendir "/a/b\#012" (in m) failed: Permission denied (13))x", "a/b\n"},
        {R"x(rsync: readlink "top" failed: Permission denied (13))x", ""},
        {R"x(rsync: [sender] readlink_stat("d/x" (in n)" (in m)) failed: Permiso denegado (13))x",
         "d"},
        {R"x(rsync: opendir "x" failed: Input/output error (5)" (in m) failed: Denied (13))x",
         "x\" failed: Input/output error (5)"}};
    for (const auto& [line, directory] : lines) {
      CPPUNIT_ASSERT_MESSAGE(line, heard({line}).unreadable() == std::set<std::string>{directory});
    }
    for (
        const char* line :
        {R"x(rsync: opendir "x" failed: Permission denied (13)" (in m) failed: Input/output error (5))x",
         R"x(rsync: send_files failed to open "x" (in m): Permission denied (13))x",
         R"x(rsync: opendir "x failed: Permission denied (13))x",
         R"x(rsync: opendir failed: (13))x"}) {
      CPPUNIT_ASSERT_MESSAGE(line, heard({line}).unreadable().empty());
    }
  }

  void knowsAMissingDirectory() {
    CPPUNIT_ASSERT(
        heard({"rsync: [sender] change_dir \"nodir\" (in m) failed: No such file or directory (2)"})
            .missing_directory());
    CPPUNIT_ASSERT(
        heard({"rsync: link_stat \"/nodir/.\" (in m) failed: No such file or directory (2)"})
            .missing_directory());
    CPPUNIT_ASSERT(
        !heard({"rsync: [sender] change_dir \"secret\" (in m) failed: Permission denied (13)"})
             .missing_directory());
    CPPUNIT_ASSERT(!heard({"@ERROR: change_dir \"x\" failed: No such file or directory (2)"})
                        .missing_directory());
  }

  void keepsRsyncsOwnWordsInBounds() {
    Complaints complaints =
        heard({"@ERROR: max connections (3) reached\x1b[2J",
               "rsync error: error starting client-server protocol (code 5) at x"});
    CPPUNIT_ASSERT_EQUAL(std::string("error starting client-server protocol"),
                         complaints.verdict());
    CPPUNIT_ASSERT_EQUAL(std::string("@ERROR: max connections (3) reached\\x1B[2J"),
                         complaints.text());
    for (int i = 0; i < 1000; ++i) complaints.add("rsync: trouble");
    CPPUNIT_ASSERT(complaints.text().ends_with("; rsync: trouble; rsync: trouble; and 998 more"));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RsyncListerTest);

}  // namespace mirror::scanner
