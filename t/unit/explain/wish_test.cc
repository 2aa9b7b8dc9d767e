#include "explain/wish.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace mirror {
namespace {

class ExplainWishTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ExplainWishTest);
  CPPUNIT_TEST(readsTheFormAndTheClient);
  CPPUNIT_TEST(isStrict);
  CPPUNIT_TEST_SUITE_END();

  void readsTheFormAndTheClient() {
    CPPUNIT_ASSERT(!parse_explain_wish("text", "")->json);
    CPPUNIT_ASSERT(!parse_explain_wish("text", "")->client);
    const auto wish = parse_explain_wish("json", "2001:db8::1");
    CPPUNIT_ASSERT(wish && wish->json);
    CPPUNIT_ASSERT_EQUAL(std::string("2001:db8::1"), wish->client->text());
  }

  void isStrict() {
    for (const char* form : {"", "TEXT", "text ", " text", "texts", "text,json", "1"})
      CPPUNIT_ASSERT_MESSAGE(form, !parse_explain_wish(form, ""));
    for (const char* client : {" ", "127.0.0", "127.0.0.1 ", "fe80::1%eth0", "127.0.0.1,::1", "a"})
      CPPUNIT_ASSERT_MESSAGE(client, !parse_explain_wish("text", client));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ExplainWishTest);

}  // namespace
}  // namespace mirror
