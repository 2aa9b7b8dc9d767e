// Tests lib/core/token_bucket.h: so much a minute, and no more at once than was saved up.
#include "core/token_bucket.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror::test {
namespace {

class TokenBucketTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TokenBucketTest);
  CPPUNIT_TEST(beginsFull);
  CPPUNIT_TEST(growsWithTimeUpToItsEnd);
  CPPUNIT_TEST(whatWasUsedAheadComesLater);
  CPPUNIT_TEST_SUITE_END();

 public:
  void beginsFull() {
    CPPUNIT_ASSERT_EQUAL(60.0, TokenBucket(60).left(1000));
    CPPUNIT_ASSERT_EQUAL(3.0, TokenBucket(60, 3).left(0));
  }

  void growsWithTimeUpToItsEnd() {
    TokenBucket bucket(60, 10);
    bucket.left(100);
    bucket.use(10);
    CPPUNIT_ASSERT_EQUAL(0.0, bucket.left(100));
    CPPUNIT_ASSERT_EQUAL(2.0, bucket.left(102));
    CPPUNIT_ASSERT_EQUAL(10.0, bucket.left(9999));
  }

  void whatWasUsedAheadComesLater() {
    TokenBucket bucket(60);
    bucket.left(0);
    bucket.use(90);
    CPPUNIT_ASSERT(bucket.left(29) < 0);
    CPPUNIT_ASSERT_EQUAL(1.0, bucket.left(31));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(TokenBucketTest);

}  // namespace
}  // namespace mirror::test
