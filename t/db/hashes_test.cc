// Tests lib/db/hash/known_hashes.h: whose hashes they are, and what hashing does to versions, one
// rule each.
#include "db/hash/known_hashes.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <future>
#include <numeric>
#include <thread>

#include "db/merge/merge.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

const MergeOptions kForce{.force = true};

class HashesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HashesTest);
  CPPUNIT_TEST(everythingIsKeptAndReadBack);
  CPPUNIT_TEST(hashingRaisesTheHashesRevision);
  CPPUNIT_TEST(hashingKeepsWhatIsKnownOfListings);
  CPPUNIT_TEST(hashesGoWithTheirFile);
  CPPUNIT_TEST(aRereadWithoutNewsRaisesNothing);
  CPPUNIT_TEST(theSameDigestUnderANewTimeIsTheSameVersion);
  CPPUNIT_TEST(anotherDigestUnderANewTimeIsANewVersion);
  CPPUNIT_TEST(anotherDigestUnderTheSameTimeIsANewVersion);
  CPPUNIT_TEST(aTouchedFileNeedsADigestThatAgrees);
  CPPUNIT_TEST(resultsForAnOlderVersionAreDropped);
  CPPUNIT_TEST(kindsAreAddedToWhatIsKnown);
  CPPUNIT_TEST(aSignatureComesAndGoesByItself);
  CPPUNIT_TEST(stagedFilesAreHashedAndNotShown);
  CPPUNIT_TEST(aScanThatComparedBeforeTheHashingJudgesAgain);
  CPPUNIT_TEST(targetsAreWhatTheSourceHas);
  CPPUNIT_TEST(zsyncSumsComeInSlicesAndWhole);
  CPPUNIT_TEST(twoSessionsNeverClaimTheSameFile);
  CPPUNIT_TEST(twoSessionsNeverClaimTheSameFileAtTheSameTime);
  CPPUNIT_TEST(timesAreForgottenInTheEnd);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    connection_.emplace(database_.connect());
    add_mirror(*connection_, "one");
    scan_source(*connection_, tree_);
    scan_mirror(*connection_, "one", tree_);
  }
  void tearDown() override { CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(*connection_)); }

  void everythingIsKeptAndReadBack() {
    HashResult result = result_for("f1", 'a');
    result.signature_ctime_ns = 5;
    result.hashes.signature = "-----BEGIN PGP SIGNATURE-----";
    result.hashes.signature_kind = SignatureKind::asc;
    store({result});
    const FileHashes read = load_hashes(*connection_, "f1").value(), &sent = result.hashes;
    CPPUNIT_ASSERT(read.md5 == sent.md5 && read.sha1 == sent.sha1 && read.sha256 == sent.sha256 &&
                   read.sha512 == sent.sha512);
    CPPUNIT_ASSERT(read.piece_bytes == sent.piece_bytes && read.sha1_pieces == sent.sha1_pieces);
    CPPUNIT_ASSERT(read.pieces_root == sent.pieces_root && read.piece_layer == sent.piece_layer);
    CPPUNIT_ASSERT(read.btih == sent.btih && read.btih_v1 == sent.btih_v1 &&
                   read.btmh == sent.btmh);
    CPPUNIT_ASSERT(read.zsync.block_bytes == 2048 && read.zsync.seq_matches == 1 &&
                   read.zsync.rsum_bytes == 2);
    CPPUNIT_ASSERT(read.zsync.md4_bytes == 3 && read.zsync.sums == sent.zsync.sums);
    CPPUNIT_ASSERT(read.signature == sent.signature && read.signature_kind == SignatureKind::asc);
    const FileHashes small = load_hashes(*connection_, "f1", HashParts::digests).value();
    CPPUNIT_ASSERT(small.sha256 == sent.sha256 && small.btmh == sent.btmh &&
                   small.signature_kind == SignatureKind::asc);
    CPPUNIT_ASSERT(small.sha1_pieces.empty() && small.piece_layer.empty() &&
                   small.zsync.sums.empty() && small.signature.empty());
    CPPUNIT_ASSERT(!load_hashes(*connection_, "f2"));
    CPPUNIT_ASSERT(!target("f1").lacks && target("f1").ctime_ns == 77 && target("f2").lacks);
  }

  void zsyncSumsComeInSlicesAndWhole() {
    store({result_for("f1", 'a')});
    connection_->run(
        "UPDATE hash SET zsync_sums = (SELECT string_agg(int4send(n), '') FROM generate_series(1, "
        "750000) n), "
        "zsync_rsum_bytes = 3 FROM file WHERE id = file_id AND path = 'f1'");
    connection_->run("UPDATE file SET size = 500000::bigint * 2048 - 1 WHERE path = 'f1'");
    const ZsyncSums whole = load_hashes(*connection_, "f1").value().zsync;
    CPPUNIT_ASSERT_EQUAL(std::size_t{3'000'000}, whole.sums.size());
    for (std::uint32_t n = 1; n <= 750'000; ++n) {
      const auto at = [&](int byte) {
        return static_cast<unsigned char>(whole.sums[(n - 1) * 4 + static_cast<std::size_t>(byte)]);
      };
      CPPUNIT_ASSERT_EQUAL(n, std::uint32_t{at(0)} << 24 | std::uint32_t{at(1)} << 16 |
                                  std::uint32_t{at(2)} << 8 | at(3));
    }
    CPPUNIT_ASSERT(load_hashes(*connection_, "f1", HashParts::pieces).value().zsync.sums.empty());
    connection_->run("UPDATE file SET size = size + 2048 WHERE path = 'f1'");
    for (const HashParts parts : {HashParts::digests, HashParts::all}) {
      const ZsyncSums broken = load_hashes(*connection_, "f1", parts).value().zsync;
      CPPUNIT_ASSERT(broken.block_bytes == 0 && broken.sums.empty());
    }
  }

  void hashingRaisesTheHashesRevision() {
    const std::string before = column("rev", "f1"), version = column("version_rev", "f1");
    CPPUNIT_ASSERT_EQUAL(std::string(), rev("f1"));
    store({result_for("f1", 'a')});
    CPPUNIT_ASSERT_EQUAL(value(*connection_, "SELECT max(rev) FROM revision"), rev("f1"));
    CPPUNIT_ASSERT_EQUAL(std::string(), rev("f2"));
    CPPUNIT_ASSERT(column("rev", "f1") == before && column("version_rev", "f1") == version);
    expect("f1", "one");
  }

  // The same listing leads to something else only when a file has another version, or is no longer
  // pending.
  void hashingKeepsWhatIsKnownOfListings() {
    const auto known = [&] {
      return last_good_scan(*connection_, find_mirror(*connection_, "one")->mirror.id, "rsync")
          .has_value();
    };
    const auto scanned = [&] { return scan_mirror(*connection_, "one", tree_, kForce), known(); };
    CPPUNIT_ASSERT(known());
    store({result_for("f1", 'a'), result_for("f2", 'a')});
    CPPUNIT_ASSERT(known());
    store({result_for("f1", 'b')});
    CPPUNIT_ASSERT(!known() && scanned());
    touch(2);
    CPPUNIT_ASSERT(!known() && scanned());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, store({result_for("f2", 'a')}).new_versions);
    CPPUNIT_ASSERT(!known());
  }

  void hashesGoWithTheirFile() {
    store({result_for("f1", 'a'), result_for("f2", 'a')});
    connection_->script(
        "DELETE FROM file WHERE path = 'f1'; UPDATE cohort SET n_files = n_files - 1");
    CPPUNIT_ASSERT_EQUAL(
        std::string("f2"),
        value(*connection_,
              "SELECT string_agg(encode(path, 'escape'), ' ') FROM file, hash WHERE id = file_id"));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value(*connection_, "SELECT count(*) FROM hash"));
    connection_->script("TRUNCATE file; DELETE FROM cohort");
    CPPUNIT_ASSERT_EQUAL(std::string("0"), value(*connection_, "SELECT count(*) FROM hash"));
  }

  void aRereadWithoutNewsRaisesNothing() {
    store({result_for("f1", 'a')});
    const std::string before = rev("f1"),
                      revisions = value(*connection_, "SELECT count(*) FROM revision");
    HashResult again = result_for("f1", 'a');
    again.ctime_ns = 78;
    store({again});
    CPPUNIT_ASSERT_EQUAL(before, rev("f1"));
    CPPUNIT_ASSERT_EQUAL(revisions, value(*connection_, "SELECT count(*) FROM revision"));
    CPPUNIT_ASSERT(target("f1").ctime_ns == 78);
  }

  void theSameDigestUnderANewTimeIsTheSameVersion() {
    store({result_for("f1", 'a')});
    touch(1);
    expect("f1", "pending");
    CPPUNIT_ASSERT(!load_hashes(*connection_, "f1") && target("f1").pending);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, store({result_for("f1", 'a')}).new_versions);
    expect("f1", "one");
    CPPUNIT_ASSERT(load_hashes(*connection_, "f1"));
    CPPUNIT_ASSERT_EQUAL(std::string("{1000,2000}"),
                         value(*connection_, "SELECT mtimes FROM hash"));
  }

  void anotherDigestUnderANewTimeIsANewVersion() {
    store({result_for("f1", 'a')});
    touch(1);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, store({result_for("f1", 'b')}).new_versions);
    expect("f1", "");
    CPPUNIT_ASSERT_EQUAL(std::string(32, 'b'), load_hashes(*connection_, "f1")->sha256);
    CPPUNIT_ASSERT_EQUAL(std::string("{2000}"), value(*connection_, "SELECT mtimes FROM hash"));
    scan_mirror(*connection_, "one", tree_);
    expect("f1", "one");
  }

  void anotherDigestUnderTheSameTimeIsANewVersion() {
    store({result_for("f1", 'a'), result_for("f2", 'a')});
    HashResult partial = result_for("f1", 'b');
    partial.hashes = {};
    partial.hashes.sha256 = std::string(32, 'b');
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, store({partial, result_for("f2", 'a')}).new_versions);
    expect("f1", "");
    expect("f2", "one");
    CPPUNIT_ASSERT(load_hashes(*connection_, "f1")->md5.empty());  // the old version's are gone
  }

  void aTouchedFileNeedsADigestThatAgrees() {
    HashResult md5 = result_for("f1", 'a');
    md5.hashes = {};
    md5.hashes.md5 = std::string(16, 'a');
    store({md5});
    touch(1);
    HashResult sha1 = result_for("f1", 'a');
    sha1.hashes = {};
    sha1.hashes.sha1 = std::string(20, 'a');
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, store({sha1}).new_versions);
    expect("f1", "");
  }

  void resultsForAnOlderVersionAreDropped() {
    const HashResult early = result_for("f1", 'a'), gone = result_for("f2", 'a');
    tree_[1].size = 99;
    tree_.erase(tree_.begin() + 2);
    scan_source(*connection_, tree_, kForce);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, store({early, gone}).stored);
    CPPUNIT_ASSERT(!load_hashes(*connection_, "f1") && !load_hashes(*connection_, "f2"));
    store({result_for("f1", 'b')});
    CPPUNIT_ASSERT(load_hashes(*connection_, "f1"));
  }

  void kindsAreAddedToWhatIsKnown() {
    HashResult first = result_for("f1", 'a');
    first.hashes = {};
    first.hashes.sha256 = std::string(32, 'a');
    store({first});
    CPPUNIT_ASSERT(target("f1").lacks);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{4}, hash_backlog(*connection_, "", {}).files);
    HashResult second = result_for("f1", 'a');
    second.hashes.sha256.clear();
    store({second});
    CPPUNIT_ASSERT(!target("f1").lacks);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, hash_backlog(*connection_, "", {}).files);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{4}, hash_backlog(*connection_, "", {}, true).files);
  }

  void aSignatureComesAndGoesByItself() {
    store({result_for("f1", 'a')});
    HashResult news = result_for("f1", 'a');
    news.hashes = {};
    news.hashes.signature = "x";
    news.hashes.signature_kind = SignatureKind::sig;
    news.signature_ctime_ns = 9;
    const std::string before = rev("f1");
    store({news});
    CPPUNIT_ASSERT(load_hashes(*connection_, "f1")->signature_kind == SignatureKind::sig &&
                   rev("f1") != before);
    CPPUNIT_ASSERT(!load_hashes(*connection_, "f1")->sha256.empty());
    news.hashes = {};
    store({news});
    CPPUNIT_ASSERT(load_hashes(*connection_, "f1")->signature_kind == SignatureKind::none);
    store({[&] {
      auto r = result_for("f2", 'a');
      r.hashes = {};
      r.signature_ctime_ns = 0;
      return r;
    }()});
    CPPUNIT_ASSERT(!load_hashes(*connection_, "f2"));
  }

  void stagedFilesAreHashedAndNotShown() {
    tree_[1].staged = true;
    scan_source(*connection_, tree_, kForce);
    CPPUNIT_ASSERT(target("f1").staged);
    store({result_for("f1", 'a')});
    CPPUNIT_ASSERT(!load_hashes(*connection_, "f1") &&
                   load_hashes(*connection_, target("f1").file_id));
    tree_[1].mtime = 2000;
    scan_source(*connection_, tree_, kForce);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, store({result_for("f1", 'b')}).new_versions);
    tree_[1].staged = false;
    scan_source(*connection_, tree_, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string(32, 'b'), load_hashes(*connection_, "f1")->sha256);
  }

  // The scan sees the old time again and means the old content; between its comparison and its
  // merge another content is found.
  void aScanThatComparedBeforeTheHashingJudgesAgain() {
    store({result_for("f1", 'a')});
    touch(1);
    const HashResult found = result_for("f1", 'b');
    tree_[1].mtime = 1000;
    Connection scanner = database_.connect(), holder = database_.connect();
    holder.script("BEGIN; LOCK TABLE merge_lock IN EXCLUSIVE MODE");
    std::thread scan([&] { scan_source(scanner, tree_, kForce); });
    while (value(*connection_,
                 "SELECT count(*) FROM pg_locks WHERE relation = 'merge_lock'::regclass AND "
                 "NOT granted") == "0") {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    // What store() would do, inside the lock that the scan waits for.
    holder.script(
        "INSERT INTO revision (rev) VALUES (nextval('revision_seq'));"
        "UPDATE file SET pending = false, version_rev = (SELECT max(rev) FROM revision), "
        "rev = (SELECT max(rev) FROM revision) WHERE path = 'f1';"
        "UPDATE hash SET sha256 = sha256('b'), mtimes = '{2000}', version_rev = (SELECT max(rev) "
        "FROM revision); COMMIT");
    scan.join();
    expect("f1", "pending");  // its hash knows 2000 only
    CPPUNIT_ASSERT(!load_hashes(*connection_, "f1"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, store({found}).stored);
  }

  void targetsAreWhatTheSourceHas() {
    tree_.push_back({.path = "d/x"});
    tree_.push_back({.path = "d.txt"});
    tree_.push_back({.path = "link", .kind = EntryKind::link, .target = "f1"});
    scan_source(*connection_, tree_, kForce);
    tree_.erase(tree_.begin());
    scan_source(*connection_, tree_, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string("d.txt d/x f1 f2 f3 "),
                         names(list_hash_targets(*connection_, "", "", {}, 100)));
    CPPUNIT_ASSERT_EQUAL(std::string("d/x f1 "),
                         names(list_hash_targets(*connection_, "", "d.txt", {}, 2)));
    CPPUNIT_ASSERT_EQUAL(std::string("d/x "),
                         names(list_hash_targets(*connection_, "d", "", {}, 100)));
    CPPUNIT_ASSERT_EQUAL(std::string("f2 "),
                         names(list_hash_targets(*connection_, "f2", "", {}, 100)));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, hash_backlog(*connection_, "d", {}).files);
  }

  void twoSessionsNeverClaimTheSameFile() {
    Connection other = database_.connect();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, claim_files(*connection_, {1, 2}).size());
    CPPUNIT_ASSERT(claim_files(other, {1, 2, 3}) == std::vector<std::int64_t>{3});
    release_files(*connection_, {1, 2});
    CPPUNIT_ASSERT(claim_files(other, {2}) == std::vector<std::int64_t>{2});
  }

  // Each meets the other's claims in the middle of its own.
  void twoSessionsNeverClaimTheSameFileAtTheSameTime() {
    std::vector<std::int64_t> ids(2000);
    std::iota(ids.begin(), ids.end(), 1);
    Connection other = database_.connect();
    for (int round = 0; round < 20; ++round) {
      auto theirs = std::async(std::launch::async, [&] { return claim_files(other, ids); });
      std::vector<std::int64_t> all = claim_files(*connection_, ids);
      const std::vector<std::int64_t> rest = theirs.get();
      release_files(*connection_, all);
      release_files(other, rest);
      all.insert(all.end(), rest.begin(), rest.end());
      std::sort(all.begin(), all.end());
      CPPUNIT_ASSERT(all == ids);
    }
  }

  void timesAreForgottenInTheEnd() {
    store({result_for("f1", 'a')});
    connection_->script("UPDATE hash SET mtimes = ARRAY(SELECT generate_series(1, 100))");
    touch(1);
    store({result_for("f1", 'a')});
    CPPUNIT_ASSERT_EQUAL(std::string("100 2 2000"),
                         value(*connection_,
                               "SELECT cardinality(mtimes) || ' ' || mtimes[1] || ' ' || "
                               "mtimes[100] FROM hash"));
  }

 private:
  StoredHashes store(const std::vector<HashResult>& results) {
    return store_hashes(*connection_, results);
  }
  HashTarget target(const std::string& path) {
    return find_hash_targets(*connection_, std::vector{path}, {}).at(0);
  }
  HashResult result_for(const std::string& path, char fill) {
    const HashTarget t = target(path);
    HashResult result{t.file_id, t.version_rev, t.size_bytes, t.mtime_s, 77, std::nullopt, {}};
    FileHashes& h = result.hashes;
    h.md5.assign(16, fill);
    h.sha1 = h.sha1_pieces = h.btih = h.btih_v1 = std::string(20, fill);
    h.sha256 = h.pieces_root = h.btmh = std::string(32, fill);
    h.piece_layer.assign(64, fill);
    h.sha512.assign(64, fill);
    h.piece_bytes = 262144;
    h.zsync = {2048, 1, 2, 3, std::string(5, fill)};
    return result;
  }
  void touch(std::size_t file) {
    tree_[file].mtime = 2000;
    scan_source(*connection_, tree_, kForce);
  }
  std::string column(const std::string& name, const std::string& path) {
    return value(*connection_, "SELECT " + name + " FROM file WHERE path = '" + path + "'");
  }
  // Of its hashes.
  std::string rev(const std::string& path) {
    return value(*connection_,
                 "SELECT h.rev FROM file JOIN hash h ON file_id = id WHERE path = '" + path + "'");
  }
  static std::string names(const std::vector<HashTarget>& targets) {
    std::string out;
    for (const HashTarget& t : targets) out += t.path + ' ';
    return out;
  }
  void expect(const std::string& path, const std::string& mirrors) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(path, mirrors, mirrors_of(*connection_, path));
  }

  TestDatabase database_;
  std::optional<Connection> connection_;
  Tree tree_ = files("f", 4);
};
CPPUNIT_TEST_SUITE_REGISTRATION(HashesTest);

}  // namespace
}  // namespace mirror::db::test
