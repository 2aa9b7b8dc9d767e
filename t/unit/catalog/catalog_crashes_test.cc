// Processes that crash on a catalog, which is taken for damaged after a few.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>
#include <random>

#include "catalog/catalog.h"
#include "catalog_samples.h"

namespace mirror::catalog {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr int kNoticed = 42;

// All pages but those that say where the others are, and so many bytes at the beginning of each.
void garble(const std::string& file, std::size_t spared, unsigned seed) {
  std::mt19937 random(seed);
  std::string garbage(kPageBytes - spared, '\0');
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  const std::size_t end = std::filesystem::file_size(file);
  for (std::size_t page = 2 * kPageBytes; page < end; page += kPageBytes) {
    for (char& byte : garbage) byte = static_cast<char>(random());
    out.seekp(static_cast<std::streamoff>(page + spared)) << garbage;
  }
}

// Memory that child processes share, with the counts in force while it lives.
class Shared {
 public:
  struct Data {
    CrashCounts counts;
    std::atomic<bool> go = false;
  };
  Shared()
      : memory_(mmap(nullptr, sizeof(Data), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0)) {
    CPPUNIT_ASSERT(memory_ != MAP_FAILED);
    share_crashes(&(new (memory_) Data)->counts);
  }
  Shared(const Shared&) = delete;
  ~Shared() {
    share_crashes(nullptr);
    munmap(memory_, sizeof(Data));
  }
  Data* operator->() const { return static_cast<Data*>(memory_); }

 private:
  void* memory_;
};

class CatalogCrashesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CatalogCrashesTest);
  CPPUNIT_TEST(crashesInUseAreCounted);
  CPPUNIT_TEST(crashesAreCountedWhereNothingCanBeWritten);
  CPPUNIT_TEST(crashesAtOnceAreAllCounted);
  CPPUNIT_TEST(fewCrashesAreForgotten);
  CPPUNIT_TEST(otherEndsAreNotCounted);
  CPPUNIT_TEST(usesMayEndInAnyOrder);
  CPPUNIT_TEST(garbageIsNoticed);
  CPPUNIT_TEST(aBrokenHeadIsNoticed);
  CPPUNIT_TEST(whatIsInUseIsGivenUpToo);
  CPPUNIT_TEST(crashesGoWithTheirFile);
  CPPUNIT_TEST_SUITE_END();

  Folder folder_;
  Directory directory_{folder_.path()};
  const std::string file_ = folder_ / "catalog.1.mdb";

  // What a process that counts its crashes ended with: a signal, or its exit status, as after a
  // sanitizer's report.
  template <class Action>
  int end_of(Action action) {
    const pid_t child = fork();
    if (child == 0) {
      const rlimit no_core{0, 0};
      setrlimit(RLIMIT_CORE, &no_core);
      on_crash(count_crash);
      try {
        action();
      } catch (...) {
      }
      _exit(0);
    }
    int status = 0;
    CPPUNIT_ASSERT_EQUAL(child, waitpid(child, &status, 0));
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  }
  void crash_often() {
    for (std::size_t i = 0; i < kTooManyCrashes; ++i) {
      CPPUNIT_ASSERT(end_of([&] {
                       const InUse in_use(file_);
                       abort();
                     }) != 0);
    }
  }
  void publish() {
    make_catalog(file_, {sample_file("a")})->sync();
    directory_.publish(file_);
  }

 public:
  void crashesInUseAreCounted() {
    unsigned count = 0;
    for (const int number : kFatalSignals) {
      CPPUNIT_ASSERT(end_of([&] {
                       const InUse in_use(file_);
                       raise(number);
                     }) != 0);
      CPPUNIT_ASSERT_EQUAL(++count, crashes_of(file_));
    }
    // A fault of the memory, and not only the signal.
    CPPUNIT_ASSERT(end_of([&] {
                     const auto* nothing = static_cast<volatile char*>(
                         mmap(nullptr, kPageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
                     const InUse in_use(file_);
                     _exit(*nothing);
                   }) != 0);
    CPPUNIT_ASSERT_EQUAL(++count, crashes_of(file_));
  }

  // As on a full disk and in a folder of somebody else.
  void crashesAreCountedWhereNothingCanBeWritten() {
    publish();
    std::filesystem::create_directory(file_ + std::string(kCrashesSuffix));
    const Shared shared;
    crash_often();
    CPPUNIT_ASSERT_EQUAL(kTooManyCrashes, crashes_of(file_));
    CPPUNIT_ASSERT_EQUAL(0U, crashes_of(folder_ / "catalog.2.mdb"));
    Catalog catalog(directory_, kSmallAccess);
    CPPUNIT_ASSERT_EQUAL(kCrashes, error_of([&] { catalog.refresh(); }));
    for (int i = 0; i < 4; ++i) {  // other files of the same name
      std::filesystem::rename(file_, folder_ / ("away" + std::to_string(i)));
      publish();
      CPPUNIT_ASSERT_EQUAL(0U, crashes_of(file_));
    }
  }

  void crashesAtOnceAreAllCounted() {
    constexpr unsigned kProcesses = 6;
    publish();
    for (int round = 0; round < 30; ++round) {
      const Shared shared;
      std::vector<pid_t> children(kProcesses);
      for (pid_t& child : children) {
        child = fork();
        if (child != 0) continue;
        while (!shared->go) {
        }
        count_crash(file_.c_str());
        _exit(0);
      }
      shared->go = true;
      for (const pid_t child : children) CPPUNIT_ASSERT_EQUAL(child, waitpid(child, nullptr, 0));
      CPPUNIT_ASSERT_EQUAL(kProcesses, shared->counts.of(file_.c_str()));
      share_crashes(nullptr);  // what the file says alone
      CPPUNIT_ASSERT_EQUAL(kProcesses, crashes_of(file_));
      std::filesystem::remove(file_ + std::string(kCrashesSuffix));
    }
  }

  void fewCrashesAreForgotten() {
    const std::string crashes = file_ + std::string(kCrashesSuffix);
    const auto age = [&] {
      using std::filesystem::last_write_time;
      last_write_time(crashes,
                      last_write_time(crashes) - std::chrono::seconds(kCrashMemorySeconds + 5));
    };
    std::ofstream(crashes) << "++";
    CPPUNIT_ASSERT_EQUAL(2U, crashes_of(file_));
    age();
    CPPUNIT_ASSERT_EQUAL(0U, crashes_of(file_));
    CPPUNIT_ASSERT(end_of([&] {
                     const InUse in_use(file_);
                     abort();
                   }) != 0);
    CPPUNIT_ASSERT_EQUAL(1U, crashes_of(file_));
    crash_often();
    age();
    CPPUNIT_ASSERT_EQUAL(1 + kTooManyCrashes, crashes_of(file_));
  }

  void otherEndsAreNotCounted() {
    CPPUNIT_ASSERT_EQUAL(SIGKILL, end_of([&] {
                           const InUse in_use(file_);
                           raise(SIGKILL);
                         }));
    CPPUNIT_ASSERT(end_of([&] {
                     { const InUse in_use(file_); }
                     raise(SIGSEGV);
                   }) != 0);
    CPPUNIT_ASSERT_EQUAL(0U, crashes_of(file_));
  }

  void usesMayEndInAnyOrder() {
    CPPUNIT_ASSERT(end_of([&] {
                     std::optional<InUse> first(std::in_place, file_), second(std::in_place, file_);
                     first.reset();
                     second.reset();
                     raise(SIGSEGV);
                   }) != 0);
    CPPUNIT_ASSERT_EQUAL(0U, crashes_of(file_));
  }

  // Whatever LMDB makes of it: an error, a crash, or a table that has nothing any more.
  void garbageIsNoticed() {
    publish();
    const std::string good = folder_ / "good";
    std::filesystem::copy_file(file_, good);
    for (const std::size_t spared : {0, 10, 16}) {
      for (unsigned seed = 0; seed < 20; ++seed) {
        std::filesystem::copy_file(good, file_, std::filesystem::copy_options::overwrite_existing);
        const int end = end_of([&] {
          Catalog catalog(directory_, kSmallAccess);
          catalog.refresh();
          garble(file_, spared, seed);
          if (error_of([&] { catalog.refresh(); }) != 0 && catalog.unusable()) _exit(kNoticed);
        });
        const std::string which =
            "seed " + std::to_string(seed) + ", spared " + std::to_string(spared);
        const unsigned crashes = crashes_of(file_);
        CPPUNIT_ASSERT_MESSAGE(which, end == kNoticed ? crashes == 0 : end != 0 && crashes == 1);
        std::filesystem::remove(file_ + std::string(kCrashesSuffix));
      }
    }
  }

  // Any word of the pages that say where the others are; LMDB divides by one of them.
  void aBrokenHeadIsNoticed() {
    publish();
    const std::string good = folder_ / "good";
    std::filesystem::copy_file(file_, good);
    constexpr std::streamoff kHeadBytes = 152;
    for (std::streamoff word = 0; word < kHeadBytes; word += 4) {
      for (const char value : {'\0', '\x7f', '\xff'}) {
        std::filesystem::copy_file(good, file_, std::filesystem::copy_options::overwrite_existing);
        std::fstream out(file_, std::ios::binary | std::ios::in | std::ios::out);
        for (const std::streamoff page : {0L, static_cast<long>(kPageBytes)})
          out.seekp(page + word) << std::string(4, value);
        out.close();
        const int end = end_of([&] {
          Catalog catalog(directory_, kSmallAccess);
          if (error_of([&] { catalog.refresh(); }) != 0) _exit(kNoticed);
        });
        const std::string which =
            "word at " + std::to_string(word) + ", value " + std::to_string(value);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(which, end == 0 || end == kNoticed ? 0U : 1U,
                                     crashes_of(file_));
        std::filesystem::remove(file_ + std::string(kCrashesSuffix));
      }
    }
  }

  void whatIsInUseIsGivenUpToo() {
    publish();
    Catalog catalog(directory_, kSmallAccess);
    catalog.refresh();
    crash_often();
    CPPUNIT_ASSERT(catalog.snapshot());
    CPPUNIT_ASSERT_EQUAL(kCrashes, error_of([&] { catalog.refresh(); }));
    CPPUNIT_ASSERT(catalog.unusable() && !catalog.snapshot());
    catalog.refresh();  // said once
    CPPUNIT_ASSERT(catalog.unusable() && !catalog.snapshot());
    try {
      Environment::open(file_, Open::read, kSmallAccess);
      CPPUNIT_FAIL("it was opened");
    } catch (const Error& error) {
      CPPUNIT_ASSERT(error.corrupt());
      CPPUNIT_ASSERT_EQUAL(file_ + ": 3 processes crashed while they used it: it counts as damaged",
                           std::string(error.what()));
    }
  }

  void crashesGoWithTheirFile() {
    publish();
    crash_often();
    Catalog catalog(directory_, kSmallAccess);
    CPPUNIT_ASSERT_EQUAL(kCrashes, error_of([&] { catalog.refresh(); }));
    std::filesystem::remove(file_);  // its number is not used again while its crashes are there
    const std::string next = directory_.unused_file();
    CPPUNIT_ASSERT_EQUAL(folder_ / "catalog.2.mdb", next);
    make_catalog(next)->sync();
    directory_.publish(next);
    CPPUNIT_ASSERT(!std::filesystem::exists(file_ + std::string(kCrashesSuffix)));
    catalog.refresh();
    CPPUNIT_ASSERT(!catalog.unusable() && catalog.snapshot());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CatalogCrashesTest);

}  // namespace
}  // namespace mirror::catalog
