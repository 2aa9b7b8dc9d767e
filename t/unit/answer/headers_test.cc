#include "answer/headers.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror {

class HeadersTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HeadersTest);
  CPPUNIT_TEST(keepsOrderAndValues);
  CPPUNIT_TEST(valuesEndWithNul);
  CPPUNIT_TEST(findsWhatIsUnprintable);
  CPPUNIT_TEST_SUITE_END();

  // NAME=VALUE; …
  static std::string text(const Headers& headers) {
    std::string all;
    for (const auto& [name, value] : headers)
      all.append(name).append("=").append(value).append("; ");
    return all;
  }

 public:
  void keepsOrderAndValues() {
    CPPUNIT_ASSERT_EQUAL(std::string(), text({}));
    Headers headers = {{"A", "1"}, {"Empty", ""}};
    headers.open("Link").append("<a>").append("; pri=1");
    headers.open("Nothing");
    headers.add("Link", std::string(500, 'x'));
    CPPUNIT_ASSERT_EQUAL(
        "A=1; Empty=; Link=<a>; pri=1; Nothing=; Link=" + std::string(500, 'x') + "; ",
        text(headers));
    CPPUNIT_ASSERT_EQUAL(std::size_t{5}, headers.size());
    const std::string before = text(headers);
    CPPUNIT_ASSERT_EQUAL(before, text(Headers(headers)));
    CPPUNIT_ASSERT_EQUAL(before, text(std::move(headers)));
  }

  void valuesEndWithNul() {
    const Headers headers = {{"A", "1"}, {"B", ""}, {"C", "last"}};
    for (const auto& [name, value] : headers)
      CPPUNIT_ASSERT_EQUAL(std::string(value), std::string(value.data()));
  }

  void findsWhatIsUnprintable() {
    CPPUNIT_ASSERT(Headers().unprintable().empty());
    // Wherever it stands in blocks that are looked at together.
    for (const std::size_t length : {1, 31, 32, 33, 64, 100, 3000}) {
      const Headers good = {{"A", "a"}, {"B", std::string(length, 'b')}, {"C", "\xff\x80~ "}};
      CPPUNIT_ASSERT(good.unprintable().empty());
      for (const char control : {'\0', '\t', '\n', '\r', '\x1f', '\x7f'}) {
        for (const std::size_t at : {std::size_t{0}, length / 2, length - 1}) {
          std::string value(length, 'b');
          value[at] = control;
          CPPUNIT_ASSERT_EQUAL(
              std::string("B"),
              std::string(Headers{{"A", "a"}, {"B", value}, {"C", ""}}.unprintable()));
          CPPUNIT_ASSERT_EQUAL(std::string("B"), std::string(Headers{{"B", value}}.unprintable()));
        }
      }
    }
    CPPUNIT_ASSERT_EQUAL(std::string("A"),
                         std::string(Headers{{"A", std::string(1000, '\n')}}.unprintable()));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(HeadersTest);

}  // namespace mirror
