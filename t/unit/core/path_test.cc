#include "core/path.h"

#include "samples.h"

namespace mirror {

class PathTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PathTest);
  CPPUNIT_TEST(namesEachFault);
  CPPUNIT_TEST(bringsEveryByteBackFromAUrl);
  CPPUNIT_TEST(writesOnlyHarmlessCharactersToUrls);
  CPPUNIT_TEST(keepsQueriesButForWhatNoUrlMayHold);
  CPPUNIT_TEST(decodesOnlyWholeEscapes);
  CPPUNIT_TEST(printsAnyBytesOnOneLine);
  CPPUNIT_TEST_SUITE_END();

 public:
  void namesEachFault() {
    const std::pair<std::string, PathFault> cases[] = {
        {"a", PathFault::none},
        {"dists/stable/Release", PathFault::none},
        {"...", PathFault::none},
        {"a/..b", PathFault::none},
        {"\xff\x01 \n%?", PathFault::none},
        {std::string(kMaxPathBytes, 'a'), PathFault::none},
        {"", PathFault::empty},
        {std::string(kMaxPathBytes + 1, 'a'), PathFault::too_long},
        {std::string(65536, 'a'), PathFault::too_long},
        {"/a", PathFault::leading_slash},
        {"/", PathFault::leading_slash},
        {"..", PathFault::dot_segment},
        {".", PathFault::dot_segment},
        {"a/../b", PathFault::dot_segment},
        {"a/./b", PathFault::dot_segment},
        {"a/..", PathFault::dot_segment},
        {"../a", PathFault::dot_segment},
        {"a//b", PathFault::empty_segment},
        {"a/", PathFault::empty_segment},
        {std::string("a\0b", 3), PathFault::nul},
    };
    for (const auto& [path, fault] : cases) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(printable(path), std::string(path_fault_text(fault)),
                                   std::string(path_fault_text(check_path(path))));
    }
  }

  void bringsEveryByteBackFromAUrl() {
    for (int c = 1; c < 256; ++c) {
      const std::string path = std::string("a/") + static_cast<char>(c) + "z";
      const std::string url = file_url("http://m.example/", path);
      CPPUNIT_ASSERT_EQUAL(path, percent_decode(url.substr(17)).value());
    }
  }

  void writesOnlyHarmlessCharactersToUrls() {
    CPPUNIT_ASSERT_EQUAL(
        std::string("http://m/a%20b/100%2525%23%3F%26x%2B1~%C3%BC%FF%0D%0A%22%3E%3C%2C%3B_-.@:="),
        file_url("http://m/", "a b/100%25#?&x+1~\xc3\xbc\xff\r\n\"><,;_-.@:="));
    std::string out;
    for (int c = 0; c < 256; ++c) append_url_path(out, std::string(1, static_cast<char>(c)));
    CPPUNIT_ASSERT_EQUAL(
        std::string::npos,
        out.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                              "-._~/@:=%"));
  }

  void keepsQueriesButForWhatNoUrlMayHold() {
    std::string url = "http://m/a";
    append_url_query(url, "x=%20%zz&a[]=1;+\xc3\xbc \r\n\"#<>\x7f");
    CPPUNIT_ASSERT_EQUAL(std::string("http://m/a?x=%20%zz&a[]=1;+%C3%BC%20%0D%0A%22%23%3C%3E%7F"),
                         url);
  }

  void decodesOnlyWholeEscapes() {
    CPPUNIT_ASSERT_EQUAL(std::string("a b+c/%"), percent_decode("a%20b+c%2f%25").value());
    CPPUNIT_ASSERT_EQUAL(std::string("../"), percent_decode("%2e%2E%2F").value());
    CPPUNIT_ASSERT_EQUAL(std::string("%2e"), percent_decode("%252e").value());
    CPPUNIT_ASSERT_EQUAL(std::string(), percent_decode("").value());
    for (const std::string_view text :
         {"%", "a%2", "%g0", "%0g", "%%20", "%00", "a%00b", "% 20", "%-1"}) {
      CPPUNIT_ASSERT_MESSAGE(std::string(text), !percent_decode(text));
    }
    CPPUNIT_ASSERT(!percent_decode(std::string_view("a\0", 2)));
  }

  void printsAnyBytesOnOneLine() {
    const std::pair<std::string_view, const char*> cases[] = {
        {"plain", "plain"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\\b", "a\\\\b"},
        {"a\nb\x1b[31m\x7f", "a\\x0Ab\\x1B[31m\\x7F"},
        {{"\0", 1}, "\\x00"},
        {"\xff\xfe", "\\xFF\\xFE"},
        {"\xc2\x85", "\\xC2\\x85"},  // C1: next line
        {"\xe2\x80\xa8\xe2\x80\xae",
         "\\xE2\\x80\\xA8\\xE2\\x80\\xAE"},            // line separator, right-to-left override
        {"\xc0\xaf", "\\xC0\\xAF"},                    // overlong
        {"\xed\xa0\x80", "\\xED\\xA0\\x80"},           // surrogate
        {"\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"},  // above U+10FFFF
        {"\xe2\x82", "\\xE2\\x82"},                    // cut off
        {"\xe2\x82z", "\\xE2\\x82z"},
    };
    for (const auto& [bytes, text] : cases)
      CPPUNIT_ASSERT_EQUAL(std::string(text), printable(bytes));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PathTest);

}  // namespace mirror
