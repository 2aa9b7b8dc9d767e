#include "digest/stamp.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror::digest {

// Expected values by coreutils and openssl: `printf '1700000000 secret' | md5sum`,
// `printf '1700000000 /pub/a b.iso' | openssl dgst -sha256 -hmac secret`.
class StampTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StampTest);
  CPPUNIT_TEST(signsTheTimeWithMd5);
  CPPUNIT_TEST(signsTimeAndPathWithHmac);
  CPPUNIT_TEST_SUITE_END();

 public:
  void signsTheTimeWithMd5() {
    const std::string expected = "time=1700000000&stamp=7520e7dec2be78f57db94409bcd608e3";
    CPPUNIT_ASSERT_EQUAL(expected, stamp(StampForm::md5, "secret", 1700000000, "/pub/a b.iso"));
    CPPUNIT_ASSERT_EQUAL(expected, stamp(StampForm::md5, "secret", 1700000000, "/another"));
  }

  void signsTimeAndPathWithHmac() {
    CPPUNIT_ASSERT_EQUAL(
        std::string("time=1700000000&stamp="
                    "e1cf0998e28a473922c27cf470290cd79bb48b7bd60919d741972d7c676dccb2"),
        stamp(StampForm::sha256, "secret", 1700000000, "/pub/a b.iso"));
    CPPUNIT_ASSERT(stamp(StampForm::sha256, "secret", 1700000000, "/pub/b.iso") !=
                   stamp(StampForm::sha256, "secret", 1700000000, "/pub/c.iso"));
    CPPUNIT_ASSERT(stamp(StampForm::sha256, "secret", 1700000001, "/") !=
                   stamp(StampForm::sha256, "secret", 1700000000, "/"));
    CPPUNIT_ASSERT(stamp(StampForm::sha256, "other", 1700000000, "/") !=
                   stamp(StampForm::sha256, "secret", 1700000000, "/"));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StampTest);

}  // namespace mirror::digest
