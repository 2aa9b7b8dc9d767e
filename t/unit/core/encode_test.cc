#include "core/encode.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror {

class EncodeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(EncodeTest);
  CPPUNIT_TEST(escapesMarkup);
  CPPUNIT_TEST(writesWhatMarkupCannotCarryAsInUrls);
  CPPUNIT_TEST(writesJsonStrings);
  CPPUNIT_TEST(writesDigests);
  CPPUNIT_TEST(namesAttachments);
  CPPUNIT_TEST_SUITE_END();

  static std::string markup(std::string_view text, Markup markup = Markup::xml) {
    std::string out;
    append_markup(out, text, markup);
    return out;
  }
  template <class Append>
  static std::string appended(Append append, std::string_view text) {
    std::string out;
    append(out, text);
    return out;
  }
  static void assert_same(std::string expected, const std::string& actual) {
    CPPUNIT_ASSERT_EQUAL(std::move(expected), actual);
  }

 public:
  void escapesMarkup() {
    assert_same("a &amp; &lt;b&gt; &quot;c&quot; &#39;d&#39; gr\xc3\xbc\xc3\x9f",
                markup("a & <b> \"c\" 'd' gr\xc3\xbc\xc3\x9f"));
    assert_same("&#9;&#10;&#13;", markup("\t\n\r"));
    assert_same("&#9;&#10;%0D", markup("\t\n\r", Markup::html));
    assert_same("", markup(""));
  }

  void writesWhatMarkupCannotCarryAsInUrls() {
    for (const Markup language : {Markup::xml, Markup::html}) {
      assert_same("%01%1B%7Fx", markup("\x01\x1b\x7fx", language));
      assert_same("%80%FE", markup("\x80\xfe", language));
      assert_same("%C2%85 %EF%BF%BE %EF%B7%90",
                  markup("\xc2\x85 \xef\xbf\xbe \xef\xb7\x90", language));
      assert_same("%ED%A0%80%C3", markup("\xed\xa0\x80\xc3", language));
      assert_same("\xf0\x9f\x98\x80\xe6\x97\xa5", markup("\xf0\x9f\x98\x80\xe6\x97\xa5", language));
    }
  }

  void writesJsonStrings() {
    assert_same(R"("a \"b\" \\ \u000a\u0001\u007f /<")",
                appended(append_json_string, "a \"b\" \\ \n\x01\x7f /<"));
    assert_same("\"\xc3\xbc%FF%C3\"", appended(append_json_string, "\xc3\xbc\xff\xc3"));
  }

  void writesDigests() {
    assert_same("00ff10", appended(append_hex, std::string_view("\x00\xff\x10", 3)));
    const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xff\xef\xbe", "/+++"}};
    for (const auto& [bytes, text] : cases) assert_same(text, appended(append_base64, bytes));
    assert_same("a%20b%2Fc~%FF%26", appended(append_percent, "a b/c~\xff&"));
    assert_same("a b%0A%1B\xc3\xbc%FF", appended(append_line_text, "a b\n\x1b\xc3\xbc\xff"));
  }

  void namesAttachments() {
    const std::pair<const char*, const char*> cases[] = {
        {"a-1.0.iso", "attachment; filename=\"a-1.0.iso\""},
        {"a b", "attachment; filename=\"a b\""},
        {"a\"b\\c%41", "attachment; filename=\"a_b_c_41\"; filename*=UTF-8''a%22b%5Cc%2541"},
        {"gr\xc3\xbc\xc3\x9f", "attachment; filename=\"gr__\"; filename*=UTF-8''gr%C3%BC%C3%9F"},
        {"x\r\ny", "attachment; filename=\"x__y\"; filename*=UTF-8''x%0D%0Ay"},
        {"raw\xff", "attachment; filename=\"raw_\""},
    };
    for (const auto& [name, value] : cases) assert_same(value, attachment(name));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(EncodeTest);

}  // namespace mirror
