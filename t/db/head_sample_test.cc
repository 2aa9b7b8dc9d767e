// Tests lib/db/merge/head_sample.h and lib/db/source_sample.h.
#include "db/merge/head_sample.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <set>

#include "db/source_sample.h"
#include "t/db/fixture.h"

namespace mirror::db::test {
namespace {

constexpr std::int64_t kNewest = std::numeric_limits<std::int64_t>::max();
const MergeOptions kForce{.max_shrink_percent = 100, .force = true};

class HeadSampleTest : public OneMirrorTest {
  CPPUNIT_TEST_SUITE(HeadSampleTest);
  CPPUNIT_TEST(aSampleGivesTheMirrorAllOtherFiles);
  CPPUNIT_TEST(theNextSampleIsOfWhatItHasAndOfWhatIsNew);
  CPPUNIT_TEST(aChangedFileIsAskedForAlone);
  CPPUNIT_TEST(whatItWasSeenWithoutIsAskedForAlone);
  CPPUNIT_TEST(newFilesWaitUntilTheyWereShown);
  CPPUNIT_TEST(aFolderIsASampleOfItsOwn);
  CPPUNIT_TEST(theSourcesTopIsListed);
  CPPUNIT_TEST_SUITE_END();

 public:
  void aSampleGivesTheMirrorAllOtherFiles() {
    HeadSample sample(scanner(), one_, "");
    CPPUNIT_ASSERT(sample.is_first());
    const std::vector<SampleFile> files = sample.choose(12);
    CPPUNIT_ASSERT_EQUAL(std::size_t{12}, files.size());
    CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t{3}, std::count_if(files.begin(), files.end(),
                                                          [](auto& f) { return f.newest; }));
    CPPUNIT_ASSERT(sample.ask_alone(sample.take(kNewest), 100).empty());
    merge(sample, files, {files[0].path});
    CPPUNIT_ASSERT_EQUAL(fmt::format("{{\"{}\"}}", files[0].path), fmt::format("{}", lacking()));
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(owner()));
  }

  void theNextSampleIsOfWhatItHasAndOfWhatIsNew() {
    all();
    HeadSample sample(owner(), one_, "");
    CPPUNIT_ASSERT(!sample.is_first());
    for (const SampleFile& file : sample.choose(100)) CPPUNIT_ASSERT(file.had && !file.newest);
    add_new();
    HeadSample next(owner(), one_, "");
    std::set<std::string> newest;
    for (const SampleFile& file : next.choose(40)) {
      if (file.newest) newest.insert(file.path);
    }
    CPPUNIT_ASSERT_EQUAL(std::string("{\"new0\", \"new1\", \"new2\", \"new3\", \"new4\"}"),
                         fmt::format("{}", newest));
  }

  void aChangedFileIsAskedForAlone() {
    all();
    tree_[5].mtime += 100'000;
    scan_source(owner(), tree_, kForce);
    HeadSample sample(owner(), one_, "");
    sample.choose(10);
    const std::vector<SampleFile> alone = sample.ask_alone(sample.take(kNewest), 100);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, alone.size());
    CPPUNIT_ASSERT_EQUAL(tree_[5].path, alone[0].path);
    CPPUNIT_ASSERT_EQUAL(tree_[5].mtime, alone[0].not_before_s);
  }

  void whatItWasSeenWithoutIsAskedForAlone() {
    HeadSample first(owner(), one_, "");
    merge(first, first.choose(40), {"f3"});
    CPPUNIT_ASSERT_EQUAL(std::string("{\"f3\"}"), fmt::format("{}", lacking()));
    HeadSample sample(owner(), one_, "");
    const std::vector<SampleFile> files = sample.choose(10);
    const TakenForListed taken = sample.take(kNewest);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, sample.ask_alone(taken, 100).size());
    merge(sample, files, {});
    CPPUNIT_ASSERT_EQUAL(std::string("{\"f3\"}"), fmt::format("{}", lacking()));
  }

  void newFilesWaitUntilTheyWereShown() {
    all();
    add_new();
    HeadSample sample(owner(), one_, "");
    const std::vector<SampleFile> files = sample.choose(8);
    const TakenForListed none = sample.take(0);
    CPPUNIT_ASSERT_EQUAL(none.after, none.upto);
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, sample.ask_alone(none, 100).size());
  }

  void aFolderIsASampleOfItsOwn() {
    for (Entry& file : files("folder/f", 5)) tree_.push_back(file);
    scan_source(owner(), tree_, kForce);
    HeadSample sample(owner(), one_, "folder");
    const std::vector<SampleFile> files = sample.choose(4);
    merge(sample, files, {});
    CPPUNIT_ASSERT_EQUAL(std::size_t{30}, lacking().size());
  }

  void theSourcesTopIsListed() {
    tree_ = {{"a/b/c"}, {"a/d"}, {"a-b"}, {"a0"}, {"z/y", 0}};
    scan_source(owner(), tree_, kForce);
    owner().script("DELETE FROM file WHERE gone_at IS NOT NULL");
    const SourceSample sample = sample_source(scanner(), 100, 100);
    std::vector<std::string> names = sample.top_names;
    std::sort(names.begin(), names.end());
    CPPUNIT_ASSERT_EQUAL(std::string("[\"a\", \"a-b\", \"a0\", \"z\"]"), fmt::format("{}", names));
    std::set<std::string> paths;
    for (const SourceFile& file : sample.files) paths.insert(file.path);
    CPPUNIT_ASSERT(!paths.empty() && !paths.contains("z/y") && paths.size() == sample.files.size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, sample_source(scanner(), 100, 2).top_names.size());
  }

 private:
  // As if the mirror had all that it is asked for, but `missing`.
  void merge(HeadSample& sample, const std::vector<SampleFile>& files,
             const std::set<std::string>& missing) {
    MirrorScan scan(owner(), *find_mirror(owner(), "one"), "head", "");
    for (const SampleFile& file : files) {
      const bool is_there = !missing.contains(file.path);
      scan.add(file.path, is_there ? file.size_bytes : kNotThere, file.not_before_s);
    }
    const TakenForListed taken = sample.take(kNewest);
    scan.merge({.shows_times = false, .asked_only = true, .taken = taken}, kForce);
    sample.keep(taken, true);
  }
  void all() {
    HeadSample sample(owner(), one_, "");
    merge(sample, sample.choose(10), {});
    CPPUNIT_ASSERT(lacking().empty());
  }
  std::set<std::string> lacking() {
    std::set<std::string> paths;
    for (const Entry& file : tree_) {
      if (mirrors_of(owner(), file.path).empty()) paths.insert(file.path);
    }
    return paths;
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HeadSampleTest);

}  // namespace
}  // namespace mirror::db::test
