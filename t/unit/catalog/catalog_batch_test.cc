// What a writer leaves in a catalog.
#include <sys/wait.h>

#include <fstream>
#include <random>

#include "catalog_samples.h"

namespace mirror::catalog {
namespace {

class CatalogBatchTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CatalogBatchTest);
  CPPUNIT_TEST(cohortsCountTheirFiles);
  CPPUNIT_TEST(filesBecomeLinksAndBack);
  CPPUNIT_TEST(filesThatAreNotShownLeaveNothing);
  CPPUNIT_TEST(whatIsNotCommittedNeverWas);
  CPPUNIT_TEST(emptyCohortsAreDropped);
  CPPUNIT_TEST(appendTakesLongPathsOutOfOrder);
  CPPUNIT_TEST(sweepTakesWhatNobodyNeeds);
  CPPUNIT_TEST(damagedRecordsAreErrors);
  CPPUNIT_TEST(sweepReportsAPageThatCannotBeRead);
  CPPUNIT_TEST(aFullMapIsSaidAndLeavesTheOldState);
  CPPUNIT_TEST(fullReaderSlotsAreSaid);
  CPPUNIT_TEST(slotsOfKilledProcessesAreFreed);
  CPPUNIT_TEST(aCopyIsEqual);
  CPPUNIT_TEST_SUITE_END();

  Folder folder_;
  std::string file_ = folder_ / "catalog.1.mdb";
  std::shared_ptr<Environment> environment_;

  void make(const std::vector<FeedFile>& files = {}, const Access& access = kSmallAccess) {
    environment_ = make_catalog(file_, files, true, access);
  }
  template <class Change>
  void change(Change change) {
    Batch batch(*environment_);
    change(batch);
    batch.commit();
  }
  std::size_t count(MDB_dbi table) { return Snapshot(environment_)->count(table); }
  // LMDB says that such a page is none of a table's.
  void clear_pages_with(std::string_view text) {
    constexpr std::size_t kPage = 4096;
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    std::string page(kPage, '\0');
    for (std::streamoff at = 0; file.seekg(at).read(page.data(), kPage); at += kPage) {
      if (page.find(text) != page.npos)
        file.seekp(at).write(std::string(kPage, '\0').data(), kPage);
    }
  }
  void expect_cohorts(const std::string& cohorts) {
    CPPUNIT_ASSERT_EQUAL(cohorts, cohorts_of(*environment_));
  }

 public:
  void cohortsCountTheirFiles() {
    make({sample_file("a"), sample_file("b")});
    expect_cohorts("1 2: 1 2 3\n");
    change([](Batch& batch) {
      batch.put_cohort(2, std::vector<MirrorId>{});
      batch.put(sample_file("a", 2));
      batch.put(sample_file("a", 2));  // again, as a repeated pull does
      batch.put(sample_file("c", 2));
      CPPUNIT_ASSERT((batch.lost_files() == std::set<std::int64_t>{1, 2}));
    });
    expect_cohorts("1 1: 1 2 3\n2 2:\n");
    change([](Batch& batch) { batch.put_cohort(1, std::vector<MirrorId>{4}); });
    expect_cohorts("1 1: 4\n2 2:\n");
    change([](Batch& batch) { batch.put(sample_file("b", 99)); });  // nobody brought that cohort
    expect_cohorts("1 0: 4\n2 2:\n");
  }

  void filesBecomeLinksAndBack() {
    FeedFile file = sample_file("a");
    file.hashes = sample_hashes();
    make({file});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, count(environment_->hashes()));
    change([](Batch& batch) { batch.put(sample_link("a", "b")); });
    expect_cohorts("1 0: 1 2 3\n");
    CPPUNIT_ASSERT(count(environment_->files()) == 0 && count(environment_->hashes()) == 0 &&
                   count(environment_->links()) == 1);
    change([&](Batch& batch) { batch.put(file); });
    CPPUNIT_ASSERT(count(environment_->files()) == 1 && count(environment_->hashes()) == 1 &&
                   count(environment_->links()) == 0);
    file.hashes = {};
    change([&](Batch& batch) { batch.put(file); });
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, count(environment_->hashes()));
    expect_cohorts("1 1: 1 2 3\n");
  }

  void filesThatAreNotShownLeaveNothing() {
    FeedFile file = sample_file("a"), link = sample_link("l", "a"),
             long_file = sample_file(std::string(600, 'a'));
    file.hashes = long_file.hashes = sample_hashes();
    make({file, link, long_file});
    for (FeedFile* one : {&file, &link, &long_file}) one->shown = false;
    change([&](Batch& batch) {
      for (const FeedFile& one : {file, link, long_file}) batch.put(one);
    });
    CPPUNIT_ASSERT(count(environment_->files()) == 0 && count(environment_->hashes()) == 0 &&
                   count(environment_->links()) == 0);
    expect_cohorts("1 0: 1 2 3\n");
  }

  void whatIsNotCommittedNeverWas() {
    make({sample_file("a")});
    {
      Batch batch(*environment_);
      batch.put(sample_file("b"));
      batch.put_meta(Meta());
    }
    CPPUNIT_ASSERT((paths_of(*environment_) == std::vector<std::string>{"a"}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, Snapshot(environment_)->meta().rev);
  }

  void emptyCohortsAreDropped() {
    make({sample_file("a")});
    change([](Batch& batch) {
      batch.put_cohort(2, std::vector<MirrorId>{5});
      batch.put(sample_file("a", 2));
      batch.drop_empty(batch.lost_files());
    });
    expect_cohorts("2 1: 5\n");
    change([](Batch& batch) { batch.drop_empty({2, 3}); });  // one has a file, one never was
    expect_cohorts("2 1: 5\n");
  }

  void appendTakesLongPathsOutOfOrder() {
    std::mt19937 random(1);
    std::set<std::string> paths;
    while (paths.size() < 2000) {
      std::string path;
      for (const std::size_t size = 400 + random() % 300; path.size() < size;)
        path += static_cast<char>('a' + random() % 2);
      if (random() % 2)
        path.replace(0, 490, 490, 'c');  // in common, so that the digests decide the order
      paths.insert(path);
    }
    make({}, {.max_bytes = 64 << 20, .max_readers = 16});
    change([&](Batch& batch) {
      for (const std::string& path : paths) {
        FeedFile file = sample_file(path);
        file.hashes = sample_hashes();
        batch.append(path.size() % 7 ? file : sample_link(path, "x"));
      }
    });
    Snapshot snapshot(environment_);
    for (const std::string& path : paths) {
      const auto stored =
          path.size() % 7 ? snapshot->stored_file(path) : snapshot->stored_link(path);
      CPPUNIT_ASSERT(stored && stored->path == path &&
                     (path.size() % 7 == 0 || equal(stored->hashes, sample_hashes())));
    }
    CPPUNIT_ASSERT_EQUAL(paths.size(), count(environment_->files()) + count(environment_->links()));
  }

  void sweepTakesWhatNobodyNeeds() {
    FeedFile fresh = sample_link("fresh", "a"), old = sample_link("old", "a"),
             older = sample_link("older", "a");
    fresh.gone_s = kNow;
    old.gone_s = older.gone_s = kNow - 3 * 86400;
    make({sample_file("a"), fresh, old, older, sample_link("stays", "a")});
    change([](Batch& batch) {
      for (std::int64_t id = 2; id < 6; ++id) batch.put_cohort(id, std::vector<MirrorId>{1});
      batch.put(sample_file("b", 4));
    });
    change([](Batch& batch) { batch.sweep(kNow, 60); });
    expect_cohorts("1 1: 1 2 3\n4 1: 1\n");
    std::string links;
    Snapshot(environment_)->each_link([&](const FeedFile& link) {
      links += link.path + ' ';
      return true;
    });
    CPPUNIT_ASSERT_EQUAL(std::string("fresh stays "), links);
  }

  void damagedRecordsAreErrors() {
    make({sample_file("a"), sample_link("l", "a")});
    const auto sweep = [&] { change([](Batch& batch) { batch.sweep(kNow, 60); }); };
    write_record(*environment_, environment_->links(), "l", std::string("\0\x7fxx", 4));
    CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED, error_of(sweep));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, count(environment_->links()));
    change([](Batch& batch) { batch.put(sample_link("l", "a")); });
    write_record(*environment_, environment_->cohorts(), cohort_key(1), "short");
    CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED, error_of(sweep));
    for (const FeedFile& file : {sample_file("a", 2), sample_file("b")}) {
      CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED,
                           error_of([&] { change([&](Batch& batch) { batch.put(file); }); }));
    }
    const Batch batch(*environment_);
    CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED, error_of([&] { batch.has_cohort(1); }));
    CPPUNIT_ASSERT(!batch.has_cohort(2) && batch.cohort(2).empty());
  }

  void sweepReportsAPageThatCannotBeRead() {
    make({sample_link("l", "target of the link")});
    clear_pages_with("target of the link");
    CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED,
                         error_of([&] { change([](Batch& batch) { batch.sweep(kNow, 60); }); }));
  }

  void aFullMapIsSaidAndLeavesTheOldState() {
    make({sample_file("a")}, {.max_bytes = 256 << 10, .max_readers = 16});
    try {
      change([](Batch& batch) {
        for (int i = 0; i < 100'000; ++i) batch.put(sample_file("many/" + std::to_string(i)));
      });
      CPPUNIT_FAIL("the map was not full");
    } catch (const Error& error) {
      CPPUNIT_ASSERT(error.full() && !error.corrupt());
      CPPUNIT_ASSERT_MESSAGE(error.what(),
                             std::string(error.what()).find(file_) != std::string::npos);
      CPPUNIT_ASSERT_MESSAGE(error.what(), std::string(error.what()).find("MirrorCatalogMaxSize") !=
                                               std::string::npos);
    }
    CPPUNIT_ASSERT((paths_of(*environment_) == std::vector<std::string>{"a"}));
    expect_cohorts("1 1: 1 2 3\n");
    change([](Batch& batch) { batch.put(sample_file("b")); });
    environment_.reset();
    environment_ =
        Environment::open(file_, Open::serve, {.max_bytes = 64 << 20, .max_readers = 16});
    change([](Batch& batch) {
      for (int i = 0; i < 10'000; ++i) batch.put(sample_file("many/" + std::to_string(i)));
    });
    CPPUNIT_ASSERT_EQUAL(std::size_t{10'002}, count(environment_->files()));
  }

  void fullReaderSlotsAreSaid() {
    make();
    std::vector<Snapshot> held;
    const int code = error_of([&] {
      for (;;) held.emplace_back(environment_);
    });
    CPPUNIT_ASSERT_EQUAL(MDB_READERS_FULL, code);
    CPPUNIT_ASSERT(held.size() >= 16);
    held.clear();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, Snapshot(environment_)->meta().rev);
  }

  void slotsOfKilledProcessesAreFreed() {
    make();
    // The child opens its own; that this one stays open keeps LMDB from clearing the slots, as the
    // first opener does.
    for (int round = 0; round < 4; ++round) {
      const pid_t child = fork();
      if (child == 0) {
        std::vector<Snapshot> held;
        try {
          const auto own = Environment::open(file_, Open::serve, kSmallAccess);
          for (int i = 0; i < 10; ++i) held.emplace_back(own);
        } catch (const Error&) {
          _exit(1);  // no slot was free
        }
        kill(getpid(), SIGKILL);
      }
      int status = 0;
      CPPUNIT_ASSERT_EQUAL(child, waitpid(child, &status, 0));
      CPPUNIT_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    CPPUNIT_ASSERT_EQUAL(
        10,
        environment_->free_stale_readers());  // of the last one; each freed those of the one before
    CPPUNIT_ASSERT_EQUAL(0, environment_->free_stale_readers());
    std::vector<Snapshot> held;
    for (int i = 0; i < 16; ++i) held.emplace_back(environment_);
  }

  void aCopyIsEqual() {
    make({sample_file("a"), sample_file(std::string(900, 'b')), sample_link("l", "a")});
    environment_->copy_to(folder_ / "copy");
    const auto copy = Environment::open(folder_ / "copy", Open::read, kSmallAccess);
    CPPUNIT_ASSERT(paths_of(*copy) == paths_of(*environment_));
    expect_cohorts(cohorts_of(*copy));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, Snapshot(copy)->meta().rev);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CatalogBatchTest);

}  // namespace
}  // namespace mirror::catalog
