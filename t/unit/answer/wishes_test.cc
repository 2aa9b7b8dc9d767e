#include "answer/wishes.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror {

class WishesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(WishesTest);
  CPPUNIT_TEST(readsWeightsStrictly);
  CPPUNIT_TEST(sendsTheDigestsThatAreKnown);
  CPPUNIT_TEST(honoursWantDigest);
  CPPUNIT_TEST(honoursWantReprDigest);
  CPPUNIT_TEST(negotiatesMetalinks);
  CPPUNIT_TEST(readsLongHeadersInTime);
  CPPUNIT_TEST_SUITE_END();

  static FileHashes known() {
    FileHashes hashes;
    hashes.sha256 = "2";
    hashes.sha512 = "5";
    hashes.sha1 = "1";
    hashes.md5 = "m";
    return hashes;
  }

 public:
  void readsWeightsStrictly() {
    const std::pair<const char*, int> good[] = {{"0", 0},     {"0.", 0},      {"0.0", 0},
                                                {"0.5", 500}, {"0.123", 123}, {"1", 1000},
                                                {"1.", 1000}, {"1.0", 1000},  {"1.000", 1000}};
    for (const auto& [text, weight] : good)
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, weight, parse_weight(text).value());
    for (const char* text : {"", "2", "1.001", "1.1", "-1", "+1", ".5", "0.1234", "0,5", "0.5 ",
                             " 1", "1e0", "00", "0x1", "q"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !parse_weight(text));
    }
  }

  void sendsTheDigestsThatAreKnown() {
    CPPUNIT_ASSERT_EQUAL(std::string("SHA-256=Mg==, SHA-512=NQ==, SHA=MQ==, MD5=bQ=="),
                         digest_value(known(), ""));
    CPPUNIT_ASSERT_EQUAL(std::string("sha-256=:Mg==:, sha-512=:NQ==:"),
                         repr_digest_value(known(), ""));
    CPPUNIT_ASSERT_EQUAL(std::string(), digest_value({}, ""));
    CPPUNIT_ASSERT_EQUAL(std::string(), repr_digest_value({}, ""));
    FileHashes sha256;
    sha256.sha256 = "2";
    CPPUNIT_ASSERT_EQUAL(std::string("SHA-256=Mg=="), digest_value(sha256, ""));
    CPPUNIT_ASSERT_EQUAL(std::string(), digest_value(sha256, "md5"));
  }

  void honoursWantDigest() {
    const std::pair<const char*, const char*> cases[] = {
        {"md5", "MD5=bQ=="},
        {"MD5;q=0.3, sha;q=1", "SHA=MQ==, MD5=bQ=="},
        {"sha-256;q=0, md5", "MD5=bQ=="},
        {"sha-512;q=0.5,sha-256;q=0.5", "SHA-512=NQ==, SHA-256=Mg=="},
        {"sha-256 ; q=0.1 , unixsum", "SHA-256=Mg=="},
        {"sha-256;q=2, md5;q=.5, sha;q=", ""},
        {"sha-256;q=\"1\"", ""},
        {"unixsum", ""},
        {"\"md5\"", ""},
        {",,;;,=,", ""},
        {" ", ""},
        {"md5;q=0, md5", "MD5=bQ=="},
    };
    for (const auto& [wish, value] : cases)
      CPPUNIT_ASSERT_EQUAL_MESSAGE(wish, std::string(value), digest_value(known(), wish));
  }

  void honoursWantReprDigest() {
    const std::string all = repr_digest_value(known(), "");
    const std::pair<const char*, std::string> cases[] = {
        {"sha-512=3, sha-256=10, unixsum=0", "sha-256=:Mg==:, sha-512=:NQ==:"},
        {"sha-512=10,\tsha-256=1", "sha-512=:NQ==:, sha-256=:Mg==:"},
        {"md5=1", "md5=:bQ==:"},
        {"sha=1;x=y", "sha=:MQ==:"},
        {"sha-256=0", ""},
        {"crc32c=5", ""},
        {"sha-256=11", all},
        {"sha-256=-1", all},
        {"sha-256=1.0", all},
        {"sha-256", all},
        {"SHA-256=1", all},
        {"sha-256=1,", all},
        {"sha-256=1 md5=2", all},
        {"sha-256=1, =", all},
        {"sha-256 =1", all},
    };
    for (const auto& [wish, value] : cases)
      CPPUNIT_ASSERT_EQUAL_MESSAGE(wish, value, repr_digest_value(known(), wish));
  }

  void negotiatesMetalinks() {
    const auto negotiated = [](const char* accept) {
      const auto which = negotiated_metalink(accept, "application/x-iso9660-image");
      return std::string(which ? info_of(*which).name : "file");
    };
    const std::pair<const char*, const char*> cases[] = {
        {"", "file"},
        {"*/*", "file"},
        {"application/*", "file"},
        {"application/metalink4+xml", "meta4"},
        {"application/metalink+xml", "metalink"},
        {"Application/Metalink+XML;q=0.1", "metalink"},
        {"*/*,application/metalink4+xml,application/metalink+xml", "meta4"},
        {"application/metalink+xml;q=1.0, application/metalink4+xml;q=0.9", "metalink"},
        {"application/metalink4+xml;q=0.5, */*", "file"},
        {"application/metalink4+xml;q=0.5, */*;q=0.1", "meta4"},
        {"application/metalink4+xml;q=0.5, application/*;q=0.7, */*;q=0.1", "file"},
        {"application/metalink4+xml;q=0.5, application/x-iso9660-image;q=0.4, */*", "meta4"},
        {"application/metalink4+xml;q=0", "file"},
        {"application/metalink4+xml;q=7", "file"},
        {"application/metalink4+xml;q=x, application/metalink+xml", "metalink"},
        {"text/html;level=\"application/metalink4+xml, x\"", "file"},
        {"xapplication/metalink4+xml", "file"},
    };
    for (const auto& [accept, name] : cases)
      CPPUNIT_ASSERT_EQUAL_MESSAGE(accept, std::string(name), negotiated(accept));
  }

  void readsLongHeadersInTime() {
    for (const std::string& noise :
         {std::string(1 << 20, ','), std::string(1 << 20, '"'), std::string(1 << 20, ';'),
          "md5" + std::string(1 << 20, ' ')}) {
      parse_want_digest(noise);
      parse_want_repr_digest(noise);
      negotiated_metalink("metalink" + noise, "a/b");
    }
    CPPUNIT_ASSERT_EQUAL(std::string(), digest_value(known(), std::string(1 << 20, ',')));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(WishesTest);

}  // namespace mirror
