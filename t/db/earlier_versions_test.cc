// Tests lib/db/merge/earlier_versions.h and what mirror_compare.cc makes of it: when a listing
// tells a file's version apart from those before it, one rule each, and random changes against a
// plain model.
#include "db/merge/earlier_versions.h"

#include <cppunit/extensions/HelperMacros.h>

#include <map>
#include <random>

#include "db/hash/known_hashes.h"
#include "db/merge/content_checks.h"
#include "db/merge/one_file.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

const MergeOptions kForce{.force = true};
constexpr std::int64_t kHourS = 3600;

void hash_file(Connection& connection, const std::string& path, int content,
               std::int64_t ctime_ns = 1) {
  const HashTarget target = find_hash_targets(connection, std::vector{path}, {}).at(0);
  HashResult result{target.file_id,
                    target.version_rev,
                    target.size_bytes,
                    target.mtime_s,
                    ctime_ns,
                    std::nullopt,
                    {}};
  result.hashes.sha256.assign(32, static_cast<char>('0' + content % 64));
  result.hashes.md5 = std::to_string(10'000'000 + content) + "12345678";
  store_hashes(connection, {result});
}

// Their times are all different.
Tree timed_files(const std::string& prefix, int count) {
  Tree tree = files(prefix, count);
  for (int i = 0; i < count; ++i) tree[static_cast<std::size_t>(i)].mtime = 100'000 + 1234 * i;
  return tree;
}

Tree shifted(Tree tree, std::int64_t by_s) {
  for (Entry& entry : tree) entry.mtime += by_s;
  return tree;
}

class EarlierVersionsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(EarlierVersionsTest);
  CPPUNIT_TEST(aChangedInodeIsToBeReadAgain);
  CPPUNIT_TEST(otherContentUnderTheSameTimeIsNotToldByListings);
  CPPUNIT_TEST(aLaterTimeTellsTheContentApartAgain);
  CPPUNIT_TEST(whatWasCheckedIsKeptByListings);
  CPPUNIT_TEST(theSameSizeAgainIsNotToldWithoutTimes);
  CPPUNIT_TEST(anotherSizeIsToldWithoutTimes);
  CPPUNIT_TEST(versionsOfOneDayAreNotToldByTheDay);
  CPPUNIT_TEST(aConstantOffsetIsTakenOff);
  CPPUNIT_TEST(anOffsetThatChangesIsMeasuredAgain);
  CPPUNIT_TEST(oneCopyOfEqualTimesIsNoOffset);
  CPPUNIT_TEST(noMoreVersionsThanSoManyAreRemembered);
  CPPUNIT_TEST(randomChangesAgreeWithTheModel);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    connection_.emplace(database_.connect());
    add_mirror(c(), "one");
    add_mirror(c(), "two");
    scan_source(c(), tree_);
  }
  void tearDown() override {
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c()));
    connection_.reset();
  }

  void aChangedInodeIsToBeReadAgain() {
    hash_file(c(), "f1", 1, 77);
    hash_file(c(), "f2", 2, 77);
    Tree tree = tree_;
    for (Entry& entry : tree) entry.ctime_ns = 77;
    CPPUNIT_ASSERT(scan_source(c(), tree).reread.empty());
    c().script("UPDATE scan SET started = '1970-01-01'");
    tree[1].ctime_ns = 78;
    const MergeReport report = scan_source(c(), tree);
    CPPUNIT_ASSERT(report.outcome == MergeOutcome::unchanged);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, report.reread.size());
    CPPUNIT_ASSERT_EQUAL(value(c(), "SELECT id FROM file WHERE path = 'f1'"),
                         std::to_string(report.reread[0]));
    tree[1].size = 9;  // another version in any case
    c().script("UPDATE scan SET started = '1970-01-01'");
    CPPUNIT_ASSERT(scan_source(c(), tree).reread.empty());
  }

  void otherContentUnderTheSameTimeIsNotToldByListings() {
    scan_mirror(c(), "one", tree_);
    hash_file(c(), "f1", 1);
    hash_file(c(), "f1", 2);
    for (int again = 0; again < 2; ++again) {
      expect("f1", "");
      scan_mirror(c(), "one", tree_, kForce);
    }
    expect("f2", "one");
    CPPUNIT_ASSERT_EQUAL(std::string("f1"), to_check("one"));
    CPPUNIT_ASSERT_EQUAL(std::string(), to_check("two"));  // was never scanned
  }

  void aLaterTimeTellsTheContentApartAgain() {
    hash_file(c(), "f1", 1);
    hash_file(c(), "f1", 2);
    scan_mirror(c(), "two", tree_);
    tree_[1].mtime += 500;
    scan_source(c(), tree_);
    hash_file(c(), "f1", 2);  // only touched
    scan_mirror(c(), "one", tree_);
    expect("f1", "one");
  }

  void whatWasCheckedIsKeptByListings() {
    scan_mirror(c(), "one", tree_);
    hash_file(c(), "f1", 1);
    hash_file(c(), "f1", 2);
    confirm("one", "f1");
    scan_mirror(c(), "one", tree_, kForce);
    expect("f1", "one");
    CPPUNIT_ASSERT_EQUAL(std::string(), to_check("one"));
    Tree without = tree_;
    without.erase(without.begin() + 1);
    scan_mirror(c(), "one", without);
    expect("f1", "");
  }

  void theSameSizeAgainIsNotToldWithoutTimes() {
    tree_[1].mtime += 500;
    scan_source(c(), tree_);
    hash_file(c(), "f1", 1);
    Tree listing = shifted(tree_, 77'777);
    scan_mirror(c(), "one", listing);
    scan_mirror(c(), "two", tree_);
    expect("f1", "two");
    expect("f2", "one,two");
    CPPUNIT_ASSERT_EQUAL(std::string("f1"), to_check("one"));
    CPPUNIT_ASSERT_EQUAL(std::string(), to_check("two"));
  }

  void anotherSizeIsToldWithoutTimes() {
    tree_[1].mtime += 500;
    tree_[1].size += 500;
    scan_source(c(), tree_);
    scan_mirror(c(), "one", shifted(tree_, 77'777));
    expect("f1", "one");
  }

  void versionsOfOneDayAreNotToldByTheDay() {
    tree_[1].mtime += 500;
    scan_source(c(), tree_);
    scan_mirror(c(), "one", tree_, {}, "", Precision::day);
    expect("f1", "");
    expect("f2", "one");
    scan_mirror(c(), "two", tree_, {}, "", Precision::minute);
    expect("f1", "two");
  }

  void aConstantOffsetIsTakenOff() {
    tree_[1].mtime += 500;
    scan_source(c(), tree_);
    Tree listing = shifted(tree_, 5 * kHourS + 1800);
    listing[1].mtime -= 500;  // the version before
    scan_mirror(c(), "one", listing);
    CPPUNIT_ASSERT(find_mirror(c(), "one")->keeps_times);
    CPPUNIT_ASSERT_EQUAL(19800, find_mirror(c(), "one")->time_offset_s);
    expect("f1", "");
    expect("f2", "one");
    listing[1].mtime += 500;
    scan_mirror(c(), "one", {listing[1]}, kForce, "f1");  // no part knows better
    scan_mirror(c(), "one", listing);
    expect("f1", "one");
  }

  void anOffsetThatChangesIsMeasuredAgain() {
    for (const std::int64_t offset : {-kHourS, -2 * kHourS, std::int64_t{0}, 14 * kHourS}) {
      scan_mirror(c(), "one", shifted(tree_, offset));
      CPPUNIT_ASSERT_EQUAL(offset, std::int64_t{find_mirror(c(), "one")->time_offset_s});
      CPPUNIT_ASSERT(find_mirror(c(), "one")->keeps_times);
      expect("f1", "one");
    }
    scan_mirror(c(), "one", shifted(tree_, 15 * kHourS));
    CPPUNIT_ASSERT(!find_mirror(c(), "one")->keeps_times);
    CPPUNIT_ASSERT_EQUAL(0, find_mirror(c(), "one")->time_offset_s);
  }

  void oneCopyOfEqualTimesIsNoOffset() {
    const Tree equal = files("f", 20);
    scan_source(c(), equal, kForce);
    scan_mirror(c(), "one", shifted(equal, kHourS));
    CPPUNIT_ASSERT_EQUAL(0, find_mirror(c(), "one")->time_offset_s);
    CPPUNIT_ASSERT(!find_mirror(c(), "one")->keeps_times);
  }

  void noMoreVersionsThanSoManyAreRemembered() {
    for (int i = 0; i < kEarlierVersions + 3; ++i) {
      ++tree_[1].mtime;
      ++tree_[1].size;
      scan_source(c(), tree_);
    }
    CPPUNIT_ASSERT_EQUAL(
        std::to_string(kEarlierVersions),
        value(c(), "SELECT cardinality(earlier_sizes) FROM file WHERE path = 'f1'"));
    CPPUNIT_ASSERT_EQUAL(std::to_string(tree_[1].size - 1),
                         value(c(), "SELECT earlier_sizes[32] FROM file WHERE path = 'f1'"));
    CPPUNIT_ASSERT_EQUAL(std::string("0"),
                         value(c(),
                               "SELECT count(*) FROM file WHERE earlier_sizes IS NOT NULL AND "
                               "path <> 'f1'"));
  }

  // Whatever the source does and whichever files a mirror has synchronised: nobody is sent to other
  // content than the source's; and wherever size, or time where it is kept, tells, the mirror gets
  // its clients.
  void randomChangesAgreeWithTheModel() {
    const unsigned seed = std::random_device()();
    random_.seed(seed);
    const std::string which = "seed " + std::to_string(seed);
    for (std::size_t i = 0; i < 10; ++i)
      present_["f" + std::to_string(i)] = version_of(tree_[i], 0);
    for (const auto& [path, version] : present_) hash_file(c(), path, version.content);
    Copy copies[] = {{"one", true, 0}, {"two", false, 0}, {"three", true, -2 * kHourS}};
    add_mirror(c(), "three");
    for (int step = 0; step < 120; ++step) {
      if (roll(2) == 0) change_source();
      Copy& copy = copies[roll(3)];
      synchronise(copy);
      scan_mirror(c(), copy.name, listing_of(copy), kForce);
      for (const auto& [path, version] : present_) check(which, copy, path, version);
    }
  }

 private:
  struct Version {
    int content = 0;
    std::int64_t size = 0, mtime = 0;
    bool looks_like(const Version& other, bool times) const {
      return size == other.size && (!times || mtime == other.mtime);
    }
  };
  struct Copy {
    std::string name;
    bool keeps_times;
    std::int64_t offset_s;
    std::map<std::string, Version> has = {};
  };

  static Version version_of(const Entry& entry, int content) {
    return {content, entry.size, entry.mtime};
  }
  int roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }

  // Another version of a few files: of another size or not, of another time or not, or only
  // touched.
  void change_source() {
    for (int i = roll(4); i >= 0; --i) {
      const std::size_t which = static_cast<std::size_t>(roll(10));
      Entry& entry = tree_[which];
      Version& now = present_[entry.path];
      const bool touched = roll(4) == 0, same_time = !touched && roll(4) == 0;
      earlier_[entry.path].push_back(now);
      if (!touched) now.content = ++contents_;
      if (!same_time) now.mtime = entry.mtime = clock_ += 97;
      if (!touched && !same_time) now.size = entry.size = 1 + roll(3);
      scan_source(c(), tree_, kForce);
      hash_file(c(), entry.path, now.content);
    }
  }

  void synchronise(Copy& copy) {
    const int percent = roll(3) * 50;
    for (const auto& [path, version] : present_) {
      if (copy.has.contains(path) && roll(100) >= percent) continue;
      copy.has[path] = version;
    }
  }

  // One that does not keep times has a clock that runs fast.
  Tree listing_of(const Copy& copy) {
    Tree tree = tree_;
    for (Entry& entry : tree) {
      if (const auto own = copy.has.find(entry.path); own != copy.has.end()) {
        entry.size = own->second.size;
        entry.mtime = own->second.mtime;
      }
      entry.mtime = copy.keeps_times ? entry.mtime + copy.offset_s : clock_ + 10'000'017;
    }
    return tree;
  }

  void check(const std::string& which, const Copy& copy, const std::string& path,
             const Version& now) {
    const std::string names = "," + mirrors_of(c(), path) + ",";
    const bool served = names.find("," + copy.name + ",") != std::string::npos;
    const Version& there = copy.has.at(path);
    CPPUNIT_ASSERT_MESSAGE(which + ": old content of " + path + " on " + copy.name,
                           !served || there.content == now.content);
    const auto& before = earlier_[path];
    const bool told = std::none_of(before.begin(), before.end(), [&](const Version& old) {
      return old.content != now.content && there.looks_like(old, copy.keeps_times);
    });
    const bool touched_since = !there.looks_like(now, copy.keeps_times);
    CPPUNIT_ASSERT_MESSAGE(which + ": " + path + " on " + copy.name,
                           served || !told || touched_since || there.content != now.content ||
                               before.size() > kEarlierVersions);
  }

  void confirm(const std::string& mirror, const std::string& path) {
    const HashTarget target = find_hash_targets(c(), std::vector{path}, {}).at(0);
    confirm_files(c(), {{find_mirror(c(), mirror)->mirror.id, target.file_id, target.version_rev}});
  }
  std::string to_check(const std::string& mirror) {
    const MirrorId id = find_mirror(c(), mirror)->mirror.id;
    std::string paths;
    for (const ContentCheck& check :
         list_content_checks(c(), id, {newest_look_alike(c())}, 0, 10).checks)
      paths += check.path;
    return paths;
  }
  void expect(const std::string& path, const std::string& mirrors) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(path, mirrors, mirrors_of(c(), path));
  }
  Connection& c() { return *connection_; }

  TestDatabase database_;
  std::optional<Connection> connection_;
  Tree tree_ = timed_files("f", 50);
  std::mt19937 random_;
  std::map<std::string, Version> present_;
  std::map<std::string, std::vector<Version>> earlier_;
  int contents_ = 100;
  std::int64_t clock_ = 1'000'000;
};
CPPUNIT_TEST_SUITE_REGISTRATION(EarlierVersionsTest);

}  // namespace
}  // namespace mirror::db::test
