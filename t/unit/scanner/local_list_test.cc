#include "scanner/local/local_list.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace mirror::scanner {

class LocalListTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LocalListTest);
  CPPUNIT_TEST(rewritesAbsoluteLinksIntoTheRoot);
  CPPUNIT_TEST(listsFilesLinksAndDirectories);
  CPPUNIT_TEST(breaksWithoutARoot);
  CPPUNIT_TEST(endsWithinADeepTree);
  CPPUNIT_TEST_SUITE_END();

  struct Seen {
    db::EntryKind kind;
    std::int64_t size_bytes;
    bool staged;
    std::string target;
    bool operator==(const Seen&) const = default;
  };
  using Tree = std::map<std::string, Seen>;

  static Tree list(const std::string& root, ListingCounts& counts) {
    Tree tree;
    const Control control;
    Listing listing(
        1'000'000, "",
        [&tree](const TreeEntry& e) {
          tree[std::string(e.path)] = {e.kind, e.kind == db::EntryKind::file ? e.size_bytes : 0,
                                       e.staged, std::string(e.target)};
        },
        control, counts);
    list_local(root, "", listing, control);
    return tree;
  }

  void file(const std::string& path, const std::string& content = "12345") {
    std::ofstream(root_ + '/' + path) << content;
  }
  void directory(const std::string& path) {
    std::filesystem::create_directories(root_ + '/' + path);
  }

  std::string root_;

 public:
  void setUp() override {
    char name[] = "/tmp/mirror-local-XXXXXX";
    CPPUNIT_ASSERT(mkdtemp(name) != nullptr);
    root_ = name;
    umask(022);
  }
  void tearDown() override { std::filesystem::remove_all(root_); }

  void rewritesAbsoluteLinksIntoTheRoot() {
    CPPUNIT_ASSERT_EQUAL(std::string("a/b"), relative_target("link", "/srv/pub/a/b", "/srv/pub"));
    CPPUNIT_ASSERT_EQUAL(std::string("../../a/b"),
                         relative_target("x/y/link", "/srv/pub//a/b", "/srv/pub/"));
    CPPUNIT_ASSERT_EQUAL(std::string("../"), relative_target("x/link", "/srv/pub", "/srv/pub/"));
    CPPUNIT_ASSERT_EQUAL(std::string("."), relative_target("link", "/srv/pub/", "/srv/pub/"));
    for (const char* other : {"/srv/public/a", "/srv", "a/b", "../x", "/", ""}) {
      CPPUNIT_ASSERT_EQUAL(std::string(other), relative_target("x/link", other, "/srv/pub"));
    }
  }

  void listsFilesLinksAndDirectories() {
    directory("d/e");
    directory("closed/e");
    file("a\nb\xff");
    file("d/e/f", "");
    file("hidden");
    file("closed/e/f");
    chmod((root_ + "/hidden").c_str(), 0640);
    chmod((root_ + "/closed").c_str(), 0754);
    CPPUNIT_ASSERT(symlink("e/f", (root_ + "/d/link").c_str()) == 0);
    CPPUNIT_ASSERT(symlink((root_ + "/d").c_str(), (root_ + "/closed/e/up").c_str()) == 0);
    CPPUNIT_ASSERT(symlink("..", (root_ + "/d/e/loop").c_str()) == 0);
    CPPUNIT_ASSERT(mkfifo((root_ + "/fifo").c_str(), 0644) == 0);
    ListingCounts counts;
    using db::EntryKind;
    const Tree expected = {{"a\nb\xff", {EntryKind::file, 5, false, ""}},
                           {"closed", {EntryKind::directory, 0, true, ""}},
                           {"closed/e", {EntryKind::directory, 0, true, ""}},
                           {"closed/e/f", {EntryKind::file, 5, true, ""}},
                           {"closed/e/up", {EntryKind::link, 0, true, "../../d"}},
                           {"d", {EntryKind::directory, 0, false, ""}},
                           {"d/e", {EntryKind::directory, 0, false, ""}},
                           {"d/e/f", {EntryKind::file, 0, false, ""}},
                           {"d/e/loop", {EntryKind::link, 0, false, ".."}},
                           {"d/link", {EntryKind::link, 0, false, "e/f"}},
                           {"hidden", {EntryKind::file, 5, true, ""}}};
    CPPUNIT_ASSERT(expected == list(root_, counts));
    CPPUNIT_ASSERT(expected == list(root_ + "//", counts));
  }

  void breaksWithoutARoot() {
    ListingCounts counts;
    file("f");
    CPPUNIT_ASSERT_THROW(list(root_ + "/none", counts), ListingError);
    CPPUNIT_ASSERT_THROW(list(root_ + "/f", counts), ListingError);
  }

  // Deeper than any stack or table of descriptors would like, up to the longest path and beyond.
  void endsWithinADeepTree() {
    CPPUNIT_ASSERT(chdir(root_.c_str()) == 0);
    for (int i = 0; i < 1200; ++i) CPPUNIT_ASSERT(mkdir("d", 0755) == 0 && chdir("d") == 0);
    CPPUNIT_ASSERT(chdir("/") == 0);
    ListingCounts counts;
    const Tree tree = list(root_, counts);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1024}, tree.size());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, counts.long_paths);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(LocalListTest);

}  // namespace mirror::scanner
