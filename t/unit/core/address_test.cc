#include "core/address.h"

#include "samples.h"

namespace mirror {

class AddressTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AddressTest);
  CPPUNIT_TEST(readsBothFamilies);
  CPPUNIT_TEST(refusesWhatIsNoAddress);
  CPPUNIT_TEST(takesFourOrSixteenBytes);
  CPPUNIT_TEST(locatesTheIpv4AddressInside);
  CPPUNIT_TEST(knowsWhatIsLoopback);
  CPPUNIT_TEST(readsPrefixes);
  CPPUNIT_TEST(refusesWhatIsNoPrefix);
  CPPUNIT_TEST(containsExactlyItsAddresses);
  CPPUNIT_TEST_SUITE_END();

 public:
  void readsBothFamilies() {
    const std::pair<const char*, const char*> cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"::", "::"},
        {"fe80::1%eth0", "fe80::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::ffff:c000:201", "192.0.2.1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    for (const auto& [text, normal] : cases)
      CPPUNIT_ASSERT_EQUAL(std::string(normal), address(text).text());
  }

  void refusesWhatIsNoAddress() {
    const std::string_view cases[] = {"",
                                      "1",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "256.1.1.1",
                                      "1.2.3.4 ",
                                      " 1.2.3.4",
                                      "1.2.3.04",
                                      ":",
                                      ":::",
                                      "1:2:3:4:5:6:7",
                                      "g::",
                                      "[::1]",
                                      "1.2.3.4%eth0",
                                      "1.2.3.4/8",
                                      "%eth0",
                                      {"1.2.3.4\0", 8},
                                      {"::1\0", 4},
                                      "0x1.2.3.4"};
    for (const auto text : cases) CPPUNIT_ASSERT_MESSAGE(std::string(text), !Address::parse(text));
    CPPUNIT_ASSERT(!Address::parse(std::string(100'000, ':')));
  }

  void takesFourOrSixteenBytes() {
    CPPUNIT_ASSERT_EQUAL(std::string("1.2.3.4"), Address::from_bytes("\1\2\3\4")->text());
    CPPUNIT_ASSERT_EQUAL(std::string("1.2.3.4"),
                         Address::from_bytes({"\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4", 16})->text());
    CPPUNIT_ASSERT_EQUAL(std::string("::1:0:102:304"),
                         Address::from_bytes({"\0\0\0\0\0\0\0\0\0\1\0\0\1\2\3\4", 16})->text());
    for (const std::size_t size : {0, 1, 3, 5, 15, 17})
      CPPUNIT_ASSERT(!Address::from_bytes(std::string(size, 'x')));
  }

  void locatesTheIpv4AddressInside() {
    const std::pair<const char*, const char*> cases[] = {
        {"64:ff9b::192.0.2.1", "192.0.2.1"},
        {"2002:c000:201::1", "192.0.2.1"},
        {"64:ff9b:1::c000:201", "64:ff9b:1::c000:201"},
        {"2003:c000:201::1", "2003:c000:201::1"},
        {"192.0.2.1", "192.0.2.1"},
        {"64:ff9b::1:0:0", "64:ff9b::1:0:0"},
    };
    for (const auto& [outer, inner] : cases)
      CPPUNIT_ASSERT_EQUAL(std::string(inner), address(outer).located().text());
  }

  void knowsWhatIsLoopback() {
    for (const char* text : {"127.0.0.1", "127.255.255.255", "127.0.0.0", "::1"})
      CPPUNIT_ASSERT_MESSAGE(text, Address::parse(text)->is_loopback());
    for (const char* text : {"126.255.255.255", "128.0.0.1", "0.0.0.1", "10.0.0.127", "::", "::2",
                             "1::1", "::1:1", "7f00::1", "64:ff9b::7f00:1", "2002:7f00:1::"})
      CPPUNIT_ASSERT_MESSAGE(text, !Address::parse(text)->is_loopback());
  }

  void readsPrefixes() {
    const std::pair<const char*, const char*> cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"192.0.2.1", "192.0.2.1/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"192.0.2.128/25", "192.0.2.128/25"},
        {"2001:db8::/33", "2001:db8::/33"},
        {"::1", "::1/128"},
        {"::/0", "::/0"},
        {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
        {"::ffff:192.0.2.1", "192.0.2.1/32"},
    };
    for (const auto& [text, normal] : cases)
      CPPUNIT_ASSERT_EQUAL(std::string(normal), prefix(text).text());
  }

  void refusesWhatIsNoPrefix() {
    for (const char* text :
         {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8 ",
          "10.0.0.0/8/8", "10.0.0.1/8", "10.0.0.0/99999999999999999999", "2001:db8::/129",
          "2001:db8::1/64", "fe80::%eth0/10", "::ffff:10.0.0.0/95", "::ffff:10.0.0.1/104",
          "10.0.0.0/0x8"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !Prefix::parse(text));
    }
  }

  void containsExactlyItsAddresses() {
    const struct {
      const char* prefix;
      const char* inside;
      const char* outside;
    } cases[] = {
        {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
        {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
        {"192.0.2.1", "192.0.2.1", "192.0.2.0"},
        {"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
        {"0.0.0.0/0", "255.255.255.255", "::"},
        {"::/0", "2001:db8::1", "192.0.2.1"},
        {"2001:db8::1/128", "2001:db8::1", "2001:db8::2"},
    };
    for (const auto& [text, inside, outside] : cases) {
      CPPUNIT_ASSERT_MESSAGE(text, prefix(text).contains(address(inside)));
      CPPUNIT_ASSERT_MESSAGE(text, !prefix(text).contains(address(outside)));
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(AddressTest);

}  // namespace mirror
