// Tests scanner/discover.
#include "scanner/discover/tree_match.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scanner/discover/bucket_check.h"
#include "scanner/discover/web_check.h"

namespace mirror::scanner::discover {
namespace {

class DiscoverTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DiscoverTest);
  CPPUNIT_TEST(looksForModulesNamedAsTheUrlFirst);
  CPPUNIT_TEST(looksIntoAFewFoldersOnly);
  CPPUNIT_TEST(aTreeIsToldByItsTopNames);
  CPPUNIT_TEST(knowsUrlsOfBuckets);
  CPPUNIT_TEST(aSchemeThatHasAnotherTreeIsLeftOut);
  CPPUNIT_TEST_SUITE_END();

 public:
  void looksForModulesNamedAsTheUrlFirst() {
    struct Case {
      std::vector<std::string> modules;
      const char* url_path;
      std::vector<std::string> places;
    };
    const Case cases[] = {
        {{"ubuntu", "debian"}, "debian/", {"debian", "ubuntu/debian", "ubuntu", "debian/debian"}},
        {{"pub"},
         "pub/linux/debian/",
         {"pub/linux/debian", "pub/debian", "pub", "pub/pub/linux/debian"}},
        {{"ftp"}, "debian/", {"ftp/debian", "ftp"}},
        {{"a", "b"}, "", {"a", "b"}},
        {{}, "pub/d%65bian/", {"debian", "pub/debian"}},  // a server may list none of its modules
        {{}, "", {}},
        {{"x"}, "broken%zz/", {"x"}},
    };
    for (const Case& one : cases) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(one.url_path, fmt::format("{}", one.places),
                                   fmt::format("{}", rsync_places(one.modules, one.url_path)));
    }
  }

  void knowsUrlsOfBuckets() {
    const std::pair<const char*, const char*> cases[] = {
        {"http://h:81/bucket/a%20b/c/", "s3://bucket/a%20b/c/?endpoint=http://h:81&anonymous=yes"},
        {"https://h/bucket/", "s3://bucket/?endpoint=https://h&anonymous=yes"},
        {"https://the.bucket.s3.eu-west-1.amazonaws.com/pub/",
         "s3://the.bucket/pub/?region=eu-west-1&anonymous=yes"},
        {"http://bucket.s3.amazonaws.com/", "s3://bucket/?region=us-east-1&anonymous=yes"},
        {"https://s3-eu-west-1.amazonaws.com/bucket/pub/",
         "s3://bucket/pub/?region=eu-west-1&anonymous=yes"},
        {"https://bucket.s3.store.example/",
         "s3://bucket/?endpoint=https://s3.store.example"
         "&anonymous=yes"},
        {"http://h/", ""},
        {"http://h/ab/", ""},  // no name of a bucket
        {"http://[::1]/bucket/", "s3://bucket/?endpoint=http://[::1]&anonymous=yes"},
        {"http://h/bucket/%00/", ""},
        {"http://.s3.example/", ""},
    };
    for (const auto& [url, expected] : cases) {
      const std::vector<std::string> found = bucket_urls(url);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(url, std::string(expected),
                                   found.empty() ? std::string() : found.front());
    }
  }

  void looksIntoAFewFoldersOnly() {
    std::vector<std::string> modules;
    for (int i = 0; i < 1000; ++i) modules.push_back(fmt::format("m{}", i));
    CPPUNIT_ASSERT_EQUAL(kMostPlaces, rsync_places(modules, "a/b/c/").size());
    CPPUNIT_ASSERT_EQUAL(std::string("m999/c"), rsync_places(modules, "m999/c/").front());
  }

  void aTreeIsToldByItsTopNames() {
    CPPUNIT_ASSERT_EQUAL(100, percent_of_top({"dists", "pool"}, {"x", "pool", "dists"}));
    CPPUNIT_ASSERT_EQUAL(50, percent_of_top({"dists", "pool"}, {"pool", "Pool"}));
    CPPUNIT_ASSERT_EQUAL(0, percent_of_top({"dists"}, {}));
    CPPUNIT_ASSERT_EQUAL(0, percent_of_top({}, {"dists"}));
  }

  void aSchemeThatHasAnotherTreeIsLeftOut() {
    const FileFindings all{6, 6, "", ""}, some{6, 2, "f", "answers 404"},
        none{6, 0, "f", "answers 404"};
    const auto left = [](const FileFindings& https, const FileFindings& http) {
      WebFindings web;
      web.https_url = "https://m/";
      web.http_url = "http://m/";
      const std::string words = drop_other_tree(https, http, web);
      return web.https_url + ' ' + web.http_url + ' ' + words;
    };
    CPPUNIT_ASSERT_EQUAL(std::string("https://m/ http://m/ "), left(all, some));
    CPPUNIT_ASSERT_EQUAL(std::string("https://m/ http://m/ "), left(none, none));
    CPPUNIT_ASSERT_EQUAL(std::string("https://m/  http is left out: none of 6 random files of the "
                                     "source is there ('f': answers 404)"),
                         left(all, none));
    CPPUNIT_ASSERT_EQUAL(std::string(" http://m/ https is left out: none of 6 random files of the "
                                     "source is there ('f': answers 404)"),
                         left(none, some));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DiscoverTest);

}  // namespace
}  // namespace mirror::scanner::discover
