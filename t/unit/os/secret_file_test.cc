#include "os/secret_file.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mirror {
namespace {

const std::string kGood(64, 'a');

class SecretFileTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SecretFileTest);
  CPPUNIT_TEST(makesAFileForItsOwnerAlone);
  CPPUNIT_TEST(keepsAGoodFile);
  CPPUNIT_TEST(makesTheFolder);
  CPPUNIT_TEST(aGroupMayRead);
  CPPUNIT_TEST(refusesRightsOfOthers);
  CPPUNIT_TEST(refusesAForeignOwner);
  CPPUNIT_TEST(refusesWhatIsNoSecret);
  CPPUNIT_TEST(refusesALinkAndAFolder);
  CPPUNIT_TEST(leavesNothingElseBehind);
  CPPUNIT_TEST(saysWhenThereIsNone);
  CPPUNIT_TEST(comparesWholeSecrets);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    char name[] = "/tmp/secret-test-XXXXXX";
    CPPUNIT_ASSERT(::mkdtemp(name) != nullptr);
    folder_ = name;
    file_ = folder_ + "/key";
  }
  void tearDown() override { std::filesystem::remove_all(folder_); }

  void makesAFileForItsOwnerAlone() {
    const mode_t before = ::umask(0);
    const std::string secret = own_secret(file_);
    ::umask(0777);
    const std::string other = own_secret(file_ + "2");
    ::umask(before);
    CPPUNIT_ASSERT_EQUAL(std::size_t{64}, secret.size());
    CPPUNIT_ASSERT(secret != other);
    CPPUNIT_ASSERT_EQUAL(0600u, mode(file_));
    CPPUNIT_ASSERT_EQUAL(0600u, mode(file_ + "2"));
    CPPUNIT_ASSERT_EQUAL(secret, read_secret(file_));
  }

  void keepsAGoodFile() {
    for (const std::string end : {"", "\n"}) {
      write(kGood + end, 0600);
      CPPUNIT_ASSERT_EQUAL(kGood, own_secret(file_));
    }
  }

  void makesTheFolder() {
    own_secret(folder_ + "/new/key");
    CPPUNIT_ASSERT_EQUAL(0755u, mode(folder_ + "/new"));
    CPPUNIT_ASSERT_THROW(own_secret(folder_ + "/a/b/key"), SecretError);
  }

  void aGroupMayRead() {
    write(kGood, 0640);
    CPPUNIT_ASSERT_EQUAL(kGood, own_secret(file_));
  }

  void refusesRightsOfOthers() {
    for (const mode_t mode : {0604, 0602, 0601}) {
      write(kGood, mode);
      refused("chmod o= " + file_);
      CPPUNIT_ASSERT_EQUAL(kGood, read_secret(file_));
    }
  }

  void refusesAForeignOwner() {
    if (::geteuid() != 0) return;
    write(kGood, 0600);
    CPPUNIT_ASSERT(::chown(file_.c_str(), 4242, 0) == 0);
    refused("user number 4242");
  }

  void refusesWhatIsNoSecret() {
    for (const std::string& text : {std::string(), std::string(63, 'a'), std::string(65, 'a'),
                                    std::string(64, 'g'), kGood + "\n\n", std::string(64, '\0')}) {
      write(text, 0600);
      refused("not 64 hexadecimal digits");
      CPPUNIT_ASSERT_THROW(read_secret(file_), SecretError);
    }
  }

  void refusesALinkAndAFolder() {
    write(kGood, 0600);
    const std::string good = file_;
    file_ = folder_ + "/link";
    CPPUNIT_ASSERT(::symlink(good.c_str(), file_.c_str()) == 0);
    refused("symbolic link");
    file_ = folder_ + "/nowhere";
    CPPUNIT_ASSERT(::symlink("/tmp/nowhere/at/all", file_.c_str()) == 0);
    refused("symbolic link");
    file_ = folder_;
    refused("not a regular file");
    file_ = folder_ + "/fifo";
    CPPUNIT_ASSERT(::mkfifo(file_.c_str(), 0600) == 0);
    refused("not a regular file");
  }

  void leavesNothingElseBehind() {
    // What a process of this number that died has left.
    std::ofstream(file_ + "." + std::to_string(::getpid()) + ".new") << "cut";
    own_secret(file_);
    std::filesystem::directory_iterator names(folder_);
    CPPUNIT_ASSERT_EQUAL(file_, names->path().string());
    CPPUNIT_ASSERT(++names == std::filesystem::directory_iterator());
  }

  void saysWhenThereIsNone() {
    try {
      read_secret(file_);
      CPPUNIT_FAIL("it was read");
    } catch (const SecretError& error) {
      CPPUNIT_ASSERT_EQUAL(ENOENT, error.error_number());
      CPPUNIT_ASSERT(std::string(error.what()).starts_with(file_ + ": "));
    }
  }

  void comparesWholeSecrets() {
    CPPUNIT_ASSERT(same_secret("abc", "abc"));
    for (const char* other : {"", "ab", "abd", "Abc", "abcd"})
      CPPUNIT_ASSERT(!same_secret("abc", other));
    CPPUNIT_ASSERT(!same_secret("", ""));
  }

 private:
  static unsigned mode(const std::string& file) {
    struct stat status;
    CPPUNIT_ASSERT(::stat(file.c_str(), &status) == 0);
    return status.st_mode & 07777;
  }
  void write(const std::string& text, mode_t mode) const {
    std::ofstream(file_, std::ios::binary) << text;
    CPPUNIT_ASSERT(::chmod(file_.c_str(), mode) == 0);
  }
  void refused(const std::string& words) const {
    try {
      own_secret(file_);
      CPPUNIT_FAIL("it was taken");
    } catch (const SecretError& error) {
      const std::string what = error.what();
      CPPUNIT_ASSERT_EQUAL(0, error.error_number());
      CPPUNIT_ASSERT_MESSAGE(what, what.starts_with(file_ + ": ") && what.find(words) != what.npos);
    }
  }

  std::string folder_, file_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SecretFileTest);

}  // namespace
}  // namespace mirror
