#include "scanner/list/exclude.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror::scanner {

class ExcludeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ExcludeTest);
  CPPUNIT_TEST(matchesGlobs);
  CPPUNIT_TEST(endsSoonWithManyStars);
  CPPUNIT_TEST(excludesNamesAnywhereAndPathsFromTheRoot);
  CPPUNIT_TEST(excludesWhatLiesBelowAnExcludedFolder);
  CPPUNIT_TEST_SUITE_END();

 public:
  void matchesGlobs() {
    struct Case {
      const char *pattern, *text;
      bool matches;
    };
    const Case cases[] = {{"*", "", true},
                          {"*", "abc", true},
                          {"*", "a/b", false},
                          {"*.iso", ".iso", true},
                          {"*.iso", "a.iso.b", false},
                          {"a*b*c", "aXbYbZc", true},
                          {"?", "a", true},
                          {"?", "", false},
                          {"?", "/", false},
                          {"a/*/c", "a/b/c", true},
                          {"a/*/c", "a/b/b/c", false},
                          {"[a-c]x", "bx", true},
                          {"[!a-c]x", "bx", false},
                          {"[]]", "]", true},
                          {"[x", "[x", true},
                          {"\\*", "*", true},
                          {"\\*", "a", false},
                          {"[!a]", "/", false},
                          {".nfs*", ".nfs01", true},
                          {"", "", true},
                          {"", "a", false}};
    for (const Case& c : cases) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(c.pattern) + " " + c.text, c.matches,
                                   glob_matches(c.pattern, c.text));
    }
  }

  void endsSoonWithManyStars() {
    std::string pattern;
    for (int i = 0; i < 100; ++i) pattern += "*a";
    CPPUNIT_ASSERT(!glob_matches(pattern + "b", std::string(2000, 'a')));
  }

  void excludesNamesAnywhereAndPathsFromTheRoot() {
    Exclusion exclusion({"*.partial", "/top", "a/b*", "only/"});
    for (const char* path : {"x.partial", "d/x.partial", "top", "a/b", "a/bc"})
      CPPUNIT_ASSERT_MESSAGE(path, exclusion.excludes(path, false));
    for (const char* path : {"d/top", "x/a/b", "partial", "only", "d/only"})
      CPPUNIT_ASSERT_MESSAGE(path, !exclusion.excludes(path, false));
    CPPUNIT_ASSERT(exclusion.excludes("only", true) && exclusion.excludes("d/only", true));
  }

  void excludesWhatLiesBelowAnExcludedFolder() {
    Exclusion exclusion({".~tmp~/", "a/b"});
    for (const char* path : {".~tmp~/x", "d/.~tmp~/e/x", "a/b/c/d"})
      CPPUNIT_ASSERT_MESSAGE(path, exclusion.excludes(path, false));
    for (const char* path : {"d/x", ".~tmp~x/y", "a/bc/d", "d/.~tmp~"})
      CPPUNIT_ASSERT_MESSAGE(path, !exclusion.excludes(path, false));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ExcludeTest);

}  // namespace mirror::scanner
