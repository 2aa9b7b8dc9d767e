#include "core/path_glob.h"

#include <random>

#include "core/path_rules.h"
#include "samples.h"

namespace mirror {
namespace {

// What the header says, as a plain recursion.
bool fits_plainly(std::string_view pattern, std::string_view path, bool at_segment) {
  if (pattern.empty()) return path.empty();
  if (pattern.starts_with("**")) {
    const bool folders = at_segment && pattern.starts_with("**/");
    const std::string_view rest = pattern.substr(folders ? 3 : 2);
    for (std::size_t taken = 0; taken <= path.size(); ++taken) {
      const bool whole = taken == 0 || path[taken - 1] == '/';
      if ((!folders || whole) && fits_plainly(rest, path.substr(taken), folders)) return true;
    }
    return false;
  }
  if (pattern.front() == '*') {
    for (std::size_t taken = 0;; ++taken) {
      if (fits_plainly(pattern.substr(1), path.substr(taken), false)) return true;
      if (taken == path.size() || path[taken] == '/') return false;
    }
  }
  if (path.empty()) return false;
  const bool same = pattern.front() == '?' ? path.front() != '/' : pattern.front() == path.front();
  return same && fits_plainly(pattern.substr(1), path.substr(1), pattern.front() == '/');
}

std::string random_text(std::mt19937& random, std::string_view alphabet, std::size_t most) {
  std::string text(random() % most + 1, ' ');
  for (char& c : text) c = alphabet[random() % alphabet.size()];
  return text;
}

class PathGlobTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PathGlobTest);
  CPPUNIT_TEST(fitsAsTheManualSays);
  CPPUNIT_TEST(fitsAsAPlainRecursionDoes);
  CPPUNIT_TEST(refusesWhatWouldMeanSomethingElse);
  CPPUNIT_TEST(takesNoTimeForManyStars);
  CPPUNIT_TEST(rulesLeaveOutWhatIsNoPattern);
  CPPUNIT_TEST_SUITE_END();

 public:
  void fitsAsTheManualSays() {
    struct Case {
      const char *glob, *path;
      bool fits;
    };
    const Case cases[] = {
        {"*.rpm", "a.rpm", true},
        {"*.rpm", "x/y/a.rpm", true},
        {"*.rpm", "a.rpm.asc", false},
        {"/*.rpm", "x/a.rpm", false},
        {"/*.rpm", "a.rpm", true},
        {"pool/**", "pool/main/a/a.deb", true},
        {"pool/**", "debian/pool/a.deb", true},
        {"pool/**", "mypool/a.deb", false},
        {"pool/**", "pool", false},
        {"/pool/**", "debian/pool/a.deb", false},
        {"by-hash/**", "dists/a/main/by-hash/SHA256/00", true},
        {"dists/*/by-hash/*", "dists/a/by-hash/x", true},
        {"dists/*/by-hash/*", "dists/a/b/by-hash/x", false},
        {"dists/**/by-hash/*", "dists/by-hash/x", true},
        {"dists/**/by-hash/*", "dists/a/b/by-hash/x", true},
        {"dists/**/by-hash/*", "dists/a/bby-hash/x", false},
        {"a**c", "abbc", true},
        {"a**c", "ab/bc", true},
        {"a*c", "ab/bc", false},
        {"a?c", "abc", true},
        {"a?c", "a/c", false},
        {"name", "x/name", true},
        {"name", "xname", false},
        {"A", "a", false},
        {"**", "a/b", true},
        {"nar/*.nar.xz", "cache/nar/0abc.nar.xz", true},
    };
    for (const auto& [glob, path, fits] : cases)
      CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(glob) + " " + path, fits, PathGlob(glob).fits(path));
  }

  void fitsAsAPlainRecursionDoes() {
    std::mt19937 random(7);
    int fitting = 0;
    for (int i = 0; i < 200'000; ++i) {
      const std::string glob = random_text(random, "ab/**?", 9);
      if (!PathGlob::fault(glob).empty()) continue;
      const std::string path = random_text(random, "ab/", 10);
      const std::string whole = glob.starts_with('/') ? glob.substr(1) : "**/" + glob;
      const bool expected = fits_plainly(whole, path, true);
      fitting += expected;
      CPPUNIT_ASSERT_EQUAL_MESSAGE(glob + " " + path, expected, PathGlob(glob).fits(path));
    }
    CPPUNIT_ASSERT(fitting > 10'000);
  }

  void refusesWhatWouldMeanSomethingElse() {
    for (const char* text : {"", "/", "a/", "a//b", "a[bc]", "a\\*", "{a,b}", "a\nb"})
      CPPUNIT_ASSERT_MESSAGE(text, !PathGlob::fault(text).empty());
    CPPUNIT_ASSERT(!PathGlob::fault(std::string(256, 'a')).empty());
    for (const char* text : {"a", "/a", "*", "**", "a b", "\xc3\xa4/*"})
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, std::string(), PathGlob::fault(text));
  }

  void takesNoTimeForManyStars() {
    const std::string path = std::string(2000, 'a');
    CPPUNIT_ASSERT(!PathGlob("**a*a**a*a**a*a**a*a**a*ab?").fits(path));
    CPPUNIT_ASSERT(PathGlob("**a*a**a*a**a*a**a*a**a*a").fits(path));
  }

  void rulesLeaveOutWhatIsNoPattern() {
    const PathRules rules({"*.deb", "a/", "*.rpm"});
    CPPUNIT_ASSERT(rules.immutable_texts() == std::vector<std::string>({"*.deb", "*.rpm"}));
    CPPUNIT_ASSERT_EQUAL(std::string("*.rpm"), rules.immutable_glob("x/a.rpm")->text());
    CPPUNIT_ASSERT(!rules.is_immutable("a"));
    const PathRules far({}, {{"a", {"b"}, {}, 1e9}});  // gone files are forgotten before
    CPPUNIT_ASSERT_EQUAL(30 * 86400.0, far.alternates_s("a/b"));
    CPPUNIT_ASSERT(!PathRules().is_immutable("a.rpm") && PathRules().immutable_hex_regex().empty());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PathGlobTest);

}  // namespace
}  // namespace mirror
