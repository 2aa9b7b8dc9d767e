// Tests scanner/probe/file_record.h: when too many of a mirror's files are wrong.
#include "scanner/probe/file_record.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror::probe::test {
namespace {

class ProbeFileRecordTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProbeFileRecordTest);
  CPPUNIT_TEST(needsFiveWrongFilesAndMoreThanAFifth);
  CPPUNIT_TEST(remembersFiftyChecks);
  CPPUNIT_TEST(countsRightFilesInARow);
  CPPUNIT_TEST(isWhatWasKeptOfIt);
  CPPUNIT_TEST_SUITE_END();

 public:
  void needsFiveWrongFilesAndMoreThanAFifth() {
    CPPUNIT_ASSERT(!after(0, 4).too_many_wrong());
    CPPUNIT_ASSERT(after(0, 5).too_many_wrong());
    CPPUNIT_ASSERT(after(19, 5).too_many_wrong());
    CPPUNIT_ASSERT(!after(20, 5).too_many_wrong());
    CPPUNIT_ASSERT(!after(40, 10).too_many_wrong());
    CPPUNIT_ASSERT(after(39, 11).too_many_wrong());
  }

  void remembersFiftyChecks() {
    FileRecord record = after(0, 50);
    CPPUNIT_ASSERT_EQUAL(50, record.wrong());
    for (int i = 0; i < 40; ++i) record.add(true);
    CPPUNIT_ASSERT_EQUAL(10, record.wrong());
    CPPUNIT_ASSERT_EQUAL(50, record.checked());
    CPPUNIT_ASSERT(!record.too_many_wrong());
    for (int i = 0; i < 10; ++i) record.add(true);
    CPPUNIT_ASSERT_EQUAL(0, record.wrong());
  }

  void countsRightFilesInARow() {
    CPPUNIT_ASSERT_EQUAL(0, after(7, 1).right_in_a_row());
    FileRecord record = after(7, 1);
    for (int i = 0; i < 60; ++i) record.add(true);
    CPPUNIT_ASSERT_EQUAL(60, record.right_in_a_row());
  }

  void isWhatWasKeptOfIt() {
    FileRecord record = after(38, 12);
    FileRecord kept(record.checked(), record.wrong_bits(), record.right_in_a_row());
    for (int i = 0; i < 30; ++i) {
      CPPUNIT_ASSERT_EQUAL(record.wrong(), kept.wrong());
      CPPUNIT_ASSERT_EQUAL(record.checked(), kept.checked());
      CPPUNIT_ASSERT_EQUAL(record.right_in_a_row(), kept.right_in_a_row());
      record.add(i % 3 > 0);
      kept.add(i % 3 > 0);
    }
    CPPUNIT_ASSERT_EQUAL(50, FileRecord(77, ~std::uint64_t{0}, -1).wrong());  // what is none
  }

 private:
  static FileRecord after(int right, int wrong) {
    FileRecord record;
    for (int i = 0; i < right; ++i) record.add(true);
    for (int i = 0; i < wrong; ++i) record.add(false);
    return record;
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProbeFileRecordTest);

}  // namespace
}  // namespace mirror::probe::test
