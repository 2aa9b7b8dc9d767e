// Tests lib/geo/shared_copies.h: who copies, who shares, and what becomes of older copies.
#include "geo/shared_copies.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <vector>

#include "geo/geo.h"

namespace mirror {
namespace {

namespace fs = std::filesystem;

const SharedCopies::Check kAnything = [](const PrivateCopy&) {};

std::string content_of(const PrivateCopy& copy) {
  std::string content(100, '\0');
  const ssize_t got = ::pread(copy.memory.get(), content.data(), content.size(), 0);
  content.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return content;
}

ino_t inode_of(const PrivateCopy& copy) {
  struct stat info {};
  CPPUNIT_ASSERT_EQUAL(0, ::fstat(copy.memory.get(), &info));
  return info.st_ino;
}

}  // namespace

class SharedCopiesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SharedCopiesTest);
  CPPUNIT_TEST(allShareTheFirstOnesCopy);
  CPPUNIT_TEST(aNewContentIsAnotherCopy);
  CPPUNIT_TEST(whatWasCopiedStaysReadable);
  CPPUNIT_TEST(leavesOthersFilesAlone);
  CPPUNIT_TEST(whatFailsTheCheckIsNotShared);
  CPPUNIT_TEST(aPrivateCopyServesWhereTheFolderDoesNot);
  CPPUNIT_TEST(aPrivateCopyIsSealed);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    std::string name = fs::temp_directory_path() / "mirror-copies-XXXXXX";
    CPPUNIT_ASSERT(::mkdtemp(name.data()));
    folder_ = name;
    fs::create_directory(copies());
    write("first");
  }
  void tearDown() override { fs::remove_all(folder_); }

  void allShareTheFirstOnesCopy() {
    std::vector<std::future<ino_t>> all;
    for (int i = 0; i < 8; ++i)
      all.push_back(std::async(std::launch::async, [this] {
        return inode_of(SharedCopies(copies()).copy(file(), kAnything));
      }));
    const ino_t one = inode_of(SharedCopies(copies()).copy(file(), kAnything));
    for (auto& inode : all) CPPUNIT_ASSERT_EQUAL(one, inode.get());
  }

  void aNewContentIsAnotherCopy() {
    const SharedCopies shared(copies());
    const PrivateCopy before = shared.copy(file(), kAnything);
    write("the second");
    const PrivateCopy after = shared.copy(file(), kAnything);
    CPPUNIT_ASSERT_EQUAL(std::string("first"), content_of(before));
    CPPUNIT_ASSERT_EQUAL(std::string("the second"), content_of(after));
    CPPUNIT_ASSERT_EQUAL(2, entries());  // the newer one and the lock
  }

  void whatWasCopiedStaysReadable() {
    const PrivateCopy copy = SharedCopies(copies()).copy(file(), kAnything);
    write("");
    CPPUNIT_ASSERT_EQUAL(std::string("first"), content_of(copy));
  }

  void leavesOthersFilesAlone() {
    std::ofstream(folder_ + "/other") << "other";
    const SharedCopies shared(copies());
    shared.copy(file(), kAnything);
    shared.copy(folder_ + "/other", kAnything);
    CPPUNIT_ASSERT_EQUAL(3, entries());
  }

  void whatFailsTheCheckIsNotShared() {
    const SharedCopies shared(copies());
    CPPUNIT_ASSERT(!shared.last(file()));
    shared.copy(file(), kAnything);
    write("half of the se");
    CPPUNIT_ASSERT_THROW(
        shared.copy(file(), [](const PrivateCopy&) { throw std::runtime_error("broken"); }),
        std::runtime_error);
    CPPUNIT_ASSERT_EQUAL(2, entries());
    CPPUNIT_ASSERT_EQUAL(std::string("first"), content_of(*shared.last(file())));
  }

  void aPrivateCopyServesWhereTheFolderDoesNot() {
    const std::string city = MIRROR_TEST_GEO "/city.mmdb";
    CPPUNIT_ASSERT_THROW(SharedCopies(folder_ + "/none").copy(city, kAnything), std::runtime_error);
    CPPUNIT_ASSERT(!GeoDatabases({city}, nullptr, folder_ + "/none").empty());
  }

  void aPrivateCopyIsSealed() {
    const PrivateCopy copy = copy_privately(file());
    CPPUNIT_ASSERT_EQUAL(std::string("first"), content_of(copy));
    CPPUNIT_ASSERT(::ftruncate(copy.memory.get(), 0) != 0);
    CPPUNIT_ASSERT(::pwrite(copy.memory.get(), "x", 1, 0) < 0);
  }

 private:
  std::string file() const { return folder_ + "/file"; }
  std::string copies() const { return folder_ + "/copies"; }

  // In place, as cp does it.
  void write(const std::string& content) { std::ofstream(file()) << content; }

  int entries() const {
    return static_cast<int>(std::distance(fs::directory_iterator(copies()), {}));
  }

  std::string folder_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(SharedCopiesTest);

}  // namespace mirror
