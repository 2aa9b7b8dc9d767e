// Tests scanner/list/methods.cc and the rows of the methods.
#include <cppunit/extensions/HelperMacros.h>

#include "scanner/list/method.h"

namespace mirror::scanner {

class MethodTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(MethodTest);
  CPPUNIT_TEST(findsAMethodByItsName);
  CPPUNIT_TEST(findsASourcesMethodByItsScheme);
  CPPUNIT_TEST(listsNoMirrorAsALocalFolder);
  CPPUNIT_TEST_SUITE_END();

 public:
  void findsAMethodByItsName() {
    CPPUNIT_ASSERT_EQUAL(&kRsyncMethod, find_method("rsync"));
    CPPUNIT_ASSERT_EQUAL(&kLocalMethod, find_method("local"));
    CPPUNIT_ASSERT_EQUAL(&kWebMethod, find_method("http"));
    CPPUNIT_ASSERT_EQUAL(&kS3Method, find_method("s3"));
    for (const char* name : {"", "rsyn", "rsync ", "RSYNC", "gopher"})
      CPPUNIT_ASSERT_MESSAGE(name, find_method(name) == nullptr);
  }

  void findsASourcesMethodByItsScheme() {
    CPPUNIT_ASSERT_EQUAL(&kRsyncMethod, &method_of_source("rsync://h/m"));
    CPPUNIT_ASSERT_EQUAL(&kS3Method, &method_of_source("s3://pub/"));
    for (const char* path : {"/srv/ftp", "rsync:/srv", "rsync", "://x", "gopher://h/", "http://h/"})
      CPPUNIT_ASSERT_EQUAL_MESSAGE(path, &kLocalMethod, &method_of_source(path));
  }

  // The path would be one that an admin of the database chose, read with the scanner's rights.
  void listsNoMirrorAsALocalFolder() {
    CPPUNIT_ASSERT(kRsyncMethod.for_mirror);
    CPPUNIT_ASSERT(!kLocalMethod.for_mirror);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(MethodTest);

}  // namespace mirror::scanner
