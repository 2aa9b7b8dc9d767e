// A catalog's directory, and files that are no catalogs or damaged ones.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "catalog/catalog.h"
#include "catalog_samples.h"

namespace mirror::catalog {
namespace {

void write_file(const std::string& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

class CatalogFilesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CatalogFilesTest);
  CPPUNIT_TEST(currentNamesAFileOrNothing);
  CPPUNIT_TEST(oneAtATimeHoldsTheLock);
  CPPUNIT_TEST(theLockEndsWithItsProcess);
  CPPUNIT_TEST(publishingRemovesLeftovers);
  CPPUNIT_TEST(numbersFollowCurrentAlone);
  CPPUNIT_TEST(whatWasTakenAwayIsNoticed);
  CPPUNIT_TEST(contactIsRemembered);
  CPPUNIT_TEST(aMissingDirectoryIsSaid);
  CPPUNIT_TEST(whatIsWrittenInPartIsSaid);
  CPPUNIT_TEST(foreignFilesAreCorruptOnes);
  CPPUNIT_TEST(aRefusedFileIsLeftAsItIs);
  CPPUNIT_TEST(catalogFollowsCurrent);
  CPPUNIT_TEST(anotherWritersDirectoryIsNotServed);
  CPPUNIT_TEST(catalogNamesWhatIsUnusable);
  CPPUNIT_TEST(catalogKeepsWhatItHasWhenTheNextIsDamaged);
  CPPUNIT_TEST(incompleteIsNotServed);
  CPPUNIT_TEST(whatIsDamagedIsGivenUp);
  CPPUNIT_TEST(whatReplacedADamagedOneIsKept);
  CPPUNIT_TEST(whatOutgrewItsMapIsGivenUp);
  CPPUNIT_TEST_SUITE_END();

  Folder folder_;
  Directory directory_{folder_.path()};

  std::string new_catalog(const std::vector<FeedFile>& files) {
    const std::string file = directory_.unused_file();
    make_catalog(file, files)->sync();
    return file;
  }
  std::string names() {
    std::set<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      all.insert(entry.path().filename());
    std::string text;
    for (const std::string& name : all) text += name + ' ';
    return text;
  }

 public:
  void currentNamesAFileOrNothing() {
    CPPUNIT_ASSERT(!directory_.current());
    for (const char* bad : {"", "\n", "../x\n", "catalog.mdb\n", "catalog..mdb\n",
                            "catalog.-1.mdb\n", "catalog.1.mdb/../../x\n", "catalog.1x.mdb\n",
                            "/etc/passwd\n", "catalog.9999999999999999999999.mdb\n"}) {
      write_file(folder_ / "CURRENT", bad);
      CPPUNIT_ASSERT_MESSAGE(bad, !directory_.current());
    }
    write_file(folder_ / "CURRENT", "catalog.12.mdb\n");
    CPPUNIT_ASSERT_EQUAL(folder_ / "catalog.12.mdb", directory_.current().value_or(""));
  }

  void oneAtATimeHoldsTheLock() {
    CPPUNIT_ASSERT_EQUAL(std::string(), directory_.writer());
    {
      const auto lock = directory_.try_lock("one");
      CPPUNIT_ASSERT(lock.has_value());
      CPPUNIT_ASSERT(!directory_.try_lock("two"));
      CPPUNIT_ASSERT_EQUAL(std::string("one"), directory_.writer());
    }
    CPPUNIT_ASSERT_EQUAL(std::string("one"), directory_.writer());
    CPPUNIT_ASSERT(directory_.try_lock("a longer name").has_value());
    CPPUNIT_ASSERT(directory_.try_lock("short").has_value());
    CPPUNIT_ASSERT_EQUAL(std::string("short"), directory_.writer());
  }

  void theLockEndsWithItsProcess() {
    int ready[2];
    CPPUNIT_ASSERT_EQUAL(0, pipe(ready));
    const pid_t child = fork();
    if (child == 0) {
      const auto lock = directory_.try_lock("child");
      const char locked = lock ? 'y' : 'n';
      if (::write(ready[1], &locked, 1) == 1) pause();
      _exit(1);
    }
    char locked = 0;
    CPPUNIT_ASSERT_EQUAL(ssize_t{1}, ::read(ready[0], &locked, 1));
    CPPUNIT_ASSERT_EQUAL('y', locked);
    CPPUNIT_ASSERT(!directory_.try_lock("parent"));
    kill(child, SIGKILL);
    CPPUNIT_ASSERT_EQUAL(child, waitpid(child, nullptr, 0));
    CPPUNIT_ASSERT(directory_.try_lock("parent").has_value());
    close(ready[0]), close(ready[1]);
  }

  void publishingRemovesLeftovers() {
    const std::string first = new_catalog({});
    CPPUNIT_ASSERT_EQUAL(folder_ / "catalog.1.mdb", first);
    directory_.publish(first);
    CPPUNIT_ASSERT_EQUAL(first, directory_.current().value_or(""));
    write_file(folder_ / "catalog.7.mdb", "broken off");
    write_file(folder_ / "catalog.8.mdb-lock", "of a removed one");
    write_file(folder_ / "notes", "somebody's");
    const std::string second = new_catalog({});
    CPPUNIT_ASSERT_EQUAL(folder_ / "catalog.2.mdb", second);
    directory_.publish(second);
    CPPUNIT_ASSERT_EQUAL(std::string("CURRENT catalog.2.mdb catalog.2.mdb-lock notes "), names());
    write_file(folder_ / "catalog.3.mdb", "");
    directory_.remove_others();
    CPPUNIT_ASSERT_EQUAL(std::string("CURRENT catalog.2.mdb catalog.2.mdb-lock notes "), names());
  }

  void numbersFollowCurrentAlone() {
    write_file(folder_ / "catalog.999999999999999999.mdb", "planted");
    write_file(folder_ / "catalog.99999999999999999999.mdb", "no catalog's name");
    CPPUNIT_ASSERT_EQUAL(folder_ / "catalog.1.mdb", directory_.unused_file());
    write_file(folder_ / "catalog.1.mdb", "planted");
    CPPUNIT_ASSERT_EQUAL(folder_ / "catalog.2.mdb", directory_.unused_file());
    CPPUNIT_ASSERT_EQUAL(folder_ / "catalog.8.mdb",
                         directory_.unused_file(folder_ / "catalog.7.mdb"));
    write_file(folder_ / "CURRENT", "catalog.999999999999999999.mdb\n");
    CPPUNIT_ASSERT_EQUAL(folder_ / "catalog.2.mdb", directory_.unused_file());
    const std::string next = new_catalog({sample_file("a")});
    directory_.publish(next);
    CPPUNIT_ASSERT_EQUAL(next, directory_.current().value_or(""));
    CPPUNIT_ASSERT_EQUAL(
        std::string("CURRENT catalog.2.mdb catalog.2.mdb-lock catalog.99999999999999999999.mdb "),
        names());
  }

  void whatWasTakenAwayIsNoticed() {
    auto lock = directory_.try_lock("one");
    CPPUNIT_ASSERT(lock->in_place());
    std::filesystem::remove(folder_ / "writer");
    CPPUNIT_ASSERT(!lock->in_place());
    lock = directory_.try_lock("one");
    CPPUNIT_ASSERT(lock->in_place());
    for (const char* suffix : {"", "-lock"}) {
      const std::string file = new_catalog({});
      directory_.publish(file);
      const auto environment = Environment::open(file, Open::serve, kSmallAccess);
      CPPUNIT_ASSERT(environment->in_place());
      std::filesystem::copy_file(file + suffix, folder_ / "other");
      std::filesystem::remove(file + suffix);
      CPPUNIT_ASSERT_MESSAGE(suffix, !environment->in_place());
      std::filesystem::rename(folder_ / "other", file + suffix);
      CPPUNIT_ASSERT_MESSAGE(suffix, !environment->in_place());
    }
  }

  void contactIsRemembered() {
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, directory_.contact_s());
    const auto before = std::time(nullptr);
    directory_.note_contact();
    CPPUNIT_ASSERT(directory_.contact_s() >= before &&
                   directory_.contact_s() <= std::time(nullptr));
  }

  void aMissingDirectoryIsSaid() {
    const Directory missing(folder_ / "none");
    CPPUNIT_ASSERT(!missing.current());
    CPPUNIT_ASSERT_EQUAL(ENOENT, error_of([&] { missing.try_lock("x"); }));
    CPPUNIT_ASSERT_EQUAL(ENOENT, error_of([&] { missing.unused_file(); }));
    CPPUNIT_ASSERT_EQUAL(ENOENT, error_of([&] { missing.note_contact(); }));
    CPPUNIT_ASSERT_EQUAL(ENOENT,
                         error_of([&] { missing.publish(folder_ / "none/catalog.1.mdb"); }));
  }

  // Another LMDB file, an empty one, text, a catalog that lost its end: all are to be replaced.
  void whatIsWrittenInPartIsSaid() {
    const auto code_at_limit = [&](auto action) {
      const pid_t child = fork();
      if (child == 0) {
        const rlimit three_bytes{3, 3};
        std::signal(SIGXFSZ, SIG_IGN);
        if (::setrlimit(RLIMIT_FSIZE, &three_bytes) != 0) _exit(0);
        errno = 0;
        _exit(error_of(action));
      }
      int status = 0;
      CPPUNIT_ASSERT_EQUAL(child, waitpid(child, &status, 0));
      return WEXITSTATUS(status);
    };
    CPPUNIT_ASSERT_EQUAL(EFBIG, code_at_limit([&] { directory_.try_lock("somebody"); }));
    CPPUNIT_ASSERT_EQUAL(EFBIG,
                         code_at_limit([&] { directory_.publish(folder_ / "catalog.1.mdb"); }));
    CPPUNIT_ASSERT(!directory_.current());
  }

  void foreignFilesAreCorruptOnes() {
    const std::string good = folder_ / "good";
    make_catalog(good, {sample_file("a")})->sync();
    const auto size = std::filesystem::file_size(good);
    std::vector<std::string> files;
    for (const std::uintmax_t left : std::initializer_list<std::uintmax_t>{
             0, 1, 100, 4096, 5000, 8192, size - 4096, size - 1}) {
      files.push_back(folder_ / ("cut-" + std::to_string(left)));
      std::filesystem::copy_file(good, files.back());
      std::filesystem::resize_file(files.back(), left);
    }
    files.push_back(folder_ / "text");
    write_file(files.back(), std::string(20'000, 't'));
    files.push_back(folder_ / "zeros");
    write_file(files.back(), std::string(20'000, '\0'));
    files.push_back(folder_ / "foreign");
    MDB_env* env = nullptr;
    check(mdb_env_create(&env), "env");
    check(mdb_env_open(env, files.back().c_str(), MDB_NOSUBDIR, 0600), "env");
    mdb_env_close(env);
    for (const std::string& file : files) {
      for (const Open how : {Open::serve, Open::read}) {
        try {
          Snapshot(Environment::open(file, how, kSmallAccess))->meta();
          CPPUNIT_FAIL(file + " was taken for a catalog");
        } catch (const Error& error) {
          CPPUNIT_ASSERT_MESSAGE(file + ": " + error.what(), error.corrupt());
          CPPUNIT_ASSERT_MESSAGE(error.what(),
                                 std::string(error.what()).find(file) != std::string::npos);
        }
      }
    }
    CPPUNIT_ASSERT_EQUAL(
        ENOENT, error_of([&] { Environment::open(folder_ / "none", Open::serve, kSmallAccess); }));
    CPPUNIT_ASSERT(!std::filesystem::exists(folder_ / "none"));
  }

  void aRefusedFileIsLeftAsItIs() {
    for (const std::size_t size : {0, 10, 20'000}) {
      write_file(folder_ / "f", std::string(size, 'x'));
      CPPUNIT_ASSERT(
          error_of([&] { Environment::open(folder_ / "f", Open::serve, kSmallAccess); }) != 0);
      CPPUNIT_ASSERT_EQUAL(size,
                           static_cast<std::size_t>(std::filesystem::file_size(folder_ / "f")));
    }
  }

  void catalogFollowsCurrent() {
    Catalog catalog(directory_, kSmallAccess);
    catalog.refresh();
    CPPUNIT_ASSERT(!catalog.snapshot());
    directory_.publish(new_catalog({sample_file("a")}));
    catalog.refresh();
    auto old = catalog.snapshot();
    CPPUNIT_ASSERT(old && (*old)->stored_file("a"));
    directory_.publish(new_catalog({sample_file("b")}));
    CPPUNIT_ASSERT((*old)->stored_file("a"));
    catalog.refresh();
    CPPUNIT_ASSERT((*catalog.snapshot())->stored_file("b"));
    CPPUNIT_ASSERT((*old)->stored_file("a"));  // its file has no name any more
    directory_.note_contact();
    catalog.refresh();
    CPPUNIT_ASSERT(catalog.as_of_s() >= std::time(nullptr) - 5);
    std::filesystem::remove(folder_ / "CURRENT");
    catalog.refresh();  // what is open is served until its writer has made CURRENT again
    CPPUNIT_ASSERT((*catalog.snapshot())->stored_file("b"));
    CPPUNIT_ASSERT(!Catalog(directory_, kSmallAccess).snapshot());
    const auto held = catalog.environment();
    write_file(folder_ / "CURRENT", "catalog.77.mdb\n");
    CPPUNIT_ASSERT_EQUAL(ENOENT, error_of([&] { catalog.refresh(); }));
    directory_.publish(held->file());
    catalog.refresh();
    CPPUNIT_ASSERT(!catalog.unusable());
    CPPUNIT_ASSERT_EQUAL(held, catalog.environment());  // never opened twice in a process
  }

  void anotherWritersDirectoryIsNotServed() {
    directory_.publish(new_catalog({sample_file("a")}));
    Catalog catalog(directory_, kSmallAccess, "one");
    CPPUNIT_ASSERT(directory_.try_lock("one").has_value());
    catalog.refresh();
    CPPUNIT_ASSERT(catalog.snapshot());
    CPPUNIT_ASSERT(directory_.try_lock("two").has_value());
    catalog.refresh();
    CPPUNIT_ASSERT(!catalog.snapshot());
  }

  void catalogNamesWhatIsUnusable() {
    write_file(folder_ / "catalog.1.mdb", "no catalog");
    write_file(folder_ / "CURRENT", "catalog.1.mdb\n");
    Catalog catalog(directory_, kSmallAccess);
    CPPUNIT_ASSERT(error_of([&] { catalog.refresh(); }) != 0);
    CPPUNIT_ASSERT(catalog.unusable() && !catalog.snapshot());
    catalog.refresh();  // said once
    CPPUNIT_ASSERT(catalog.unusable());
    directory_.publish(new_catalog({}));
    catalog.refresh();
    CPPUNIT_ASSERT(!catalog.unusable() && catalog.snapshot());
  }

  void catalogKeepsWhatItHasWhenTheNextIsDamaged() {
    Catalog catalog(directory_, kSmallAccess);
    directory_.publish(new_catalog({sample_file("a")}));
    catalog.refresh();
    const std::string next = directory_.unused_file();
    write_file(next, "no catalog");
    directory_.publish(next);
    CPPUNIT_ASSERT(error_of([&] { catalog.refresh(); }) != 0);
    CPPUNIT_ASSERT(catalog.unusable() && (*catalog.snapshot())->stored_file("a"));
  }

  void incompleteIsNotServed() {
    const std::string file = new_catalog({});
    {
      const auto environment = Environment::open(file, Open::serve, kSmallAccess);
      Batch batch(*environment);
      batch.put_meta(Meta());
      batch.commit();
    }
    directory_.publish(file);
    Catalog catalog(directory_, kSmallAccess);
    catalog.refresh();
    CPPUNIT_ASSERT(!catalog.snapshot() && catalog.environment() && !catalog.unusable());
  }

  void whatIsDamagedIsGivenUp() {
    directory_.publish(new_catalog({sample_file("a")}));
    Catalog catalog(directory_, kSmallAccess);
    catalog.refresh();
    const auto environment = catalog.environment();
    {
      Batch batch(*environment);
      batch.put_mirrors({}, {}, *std::make_unique<Meta>());
      Meta meta = sample_meta();
      meta.mirrors_count = 100;
      batch.put_meta(meta);
      batch.commit();
    }
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(environment->raw(), nullptr, 0, &txn), "begin");
    MDB_val key = bytes_of("meta"), data = bytes_of("?");
    check(mdb_put(txn, environment->texts(), &key, &data, 0), "put");
    check(mdb_txn_commit(txn), "commit");
    CPPUNIT_ASSERT_EQUAL(MDB_INVALID, error_of([&] { catalog.snapshot(); }));
    CPPUNIT_ASSERT(catalog.unusable() && catalog.environment() == nullptr && !catalog.snapshot());
    catalog.refresh();  // the same file is not opened again
    CPPUNIT_ASSERT(!catalog.snapshot());
  }

  // A request that began with the old one says so later than the new one is opened.
  void whatReplacedADamagedOneIsKept() {
    directory_.publish(new_catalog({sample_file("a")}));
    Catalog catalog(directory_, kSmallAccess);
    catalog.refresh();
    const auto damaged = catalog.environment();
    directory_.publish(new_catalog({sample_file("b")}));
    catalog.refresh();
    catalog.give_up(damaged);
    CPPUNIT_ASSERT(!catalog.unusable() && (*catalog.snapshot())->stored_file("b"));
    catalog.give_up(catalog.environment());
    CPPUNIT_ASSERT(catalog.unusable() && !catalog.snapshot());
    directory_.publish(new_catalog({sample_file("c")}));
    catalog.refresh();
    CPPUNIT_ASSERT(!catalog.unusable() && (*catalog.snapshot())->stored_file("c"));
  }

  // Another process may have a larger MirrorCatalogMaxSize; damage looks like that too.
  void whatOutgrewItsMapIsGivenUp() {
    constexpr Access kTiny{.max_bytes = 256 << 10, .max_readers = 16};
    const std::string file = new_catalog({});
    directory_.publish(file);
    Catalog catalog(directory_, kTiny);
    catalog.refresh();
    const pid_t child = fork();
    if (child == 0) {
      const auto environment =
          Environment::open(file, Open::serve, {.max_bytes = 64 << 20, .max_readers = 16});
      Batch batch(*environment);
      for (int i = 0; i < 50'000; ++i) batch.put(sample_file("many/" + std::to_string(i)));
      batch.commit();
      _exit(0);
    }
    int status = 0;
    CPPUNIT_ASSERT_EQUAL(child, waitpid(child, &status, 0));
    CPPUNIT_ASSERT_EQUAL(0, status);
    CPPUNIT_ASSERT_EQUAL(MDB_MAP_RESIZED, error_of([&] { catalog.snapshot(); }));
    CPPUNIT_ASSERT(catalog.unusable() && !catalog.snapshot());
    Catalog next(directory_, kTiny);  // as in a new child
    next.refresh();
    CPPUNIT_ASSERT((*next.snapshot())->stored_file("many/1"));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CatalogFilesTest);

}  // namespace
}  // namespace mirror::catalog
