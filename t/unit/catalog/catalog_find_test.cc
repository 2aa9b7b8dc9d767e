// What a request finds in a catalog.
#include "catalog_samples.h"

namespace mirror::catalog {
namespace {

class CatalogFindTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CatalogFindTest);
  CPPUNIT_TEST(filesComeWithTheirMirrors);
  CPPUNIT_TEST(longPathsAreTheirOwn);
  CPPUNIT_TEST(linksAreFollowedAlsoInPrefixes);
  CPPUNIT_TEST(loopsEnd);
  CPPUNIT_TEST(directoriesAreWhereFilesOrLinksAreBelow);
  CPPUNIT_TEST(longDirectoriesToo);
  CPPUNIT_TEST(goneFilesAreThereUntilTheirGraceEnds);
  CPPUNIT_TEST(pendingFilesTellNoHashes);
  CPPUNIT_TEST(hashesComeByParts);
  CPPUNIT_TEST(withoutHashesItSaysSo);
  CPPUNIT_TEST(damagedRecordsAreErrors);
  CPPUNIT_TEST(aSnapshotStaysAsItWas);
  CPPUNIT_TEST_SUITE_END();

  Folder folder_;
  std::shared_ptr<Environment> environment_;

  void make(const std::vector<FeedFile>& files, bool hashes = true) {
    environment_.reset();
    environment_ =
        make_catalog(folder_ / ("catalog." + std::to_string(++made_) + ".mdb"), files, hashes);
  }

  // "file PATH", "directory" or "absent".
  std::string find(std::string_view path, std::int64_t now_s = kNow) {
    Snapshot snapshot(environment_);
    const CatalogFile found = snapshot->find(path, now_s, HashParts::digests);
    if (found.found == Found::file) return "file " + found.file.path;
    return found.found == Found::directory ? "directory" : "absent";
  }
  void expect(const std::string& what, std::string_view path, std::int64_t now_s = kNow) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(path.substr(0, 100)), what, find(path, now_s));
  }
  void write(MDB_dbi table, std::string_view key, std::string_view record) {
    write_record(*environment_, table, key, record);
  }

  int made_ = 0;

 public:
  void filesComeWithTheirMirrors() {
    make({sample_file("pool/a"), sample_file("pool/b", 77)});
    Snapshot snapshot(environment_);
    const CatalogFile found = snapshot->find("pool/a", kNow, HashParts::digests);
    CPPUNIT_ASSERT(found.found == Found::file && found.file.path == "pool/a" &&
                   !found.file.pending);
    CPPUNIT_ASSERT(found.file.size_bytes == 1000 && found.file.mtime_s == 1'700'000'000);
    CPPUNIT_ASSERT((found.file.mirrors.ids() == std::vector<MirrorId>{1, 2, 3}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{9}, snapshot->mirrors()->all().size());
    CPPUNIT_ASSERT(snapshot->find("pool/b", kNow, HashParts::digests)
                       .file.mirrors.empty());  // an unknown cohort
    expect("absent", "pool/c");
    expect("absent", "pool/a/b");
    expect("absent", "pool/aa");
    expect("absent", std::string("pool/a\0", 7));
  }

  void longPathsAreTheirOwn() {
    std::vector<FeedFile> files;
    for (const std::size_t size : {509, 510, 511, 512, 1000, 2048}) {
      for (const char last : {'a', 'b'})
        files.push_back(sample_file(std::string(size - 1, 'x') + last));
    }
    make(files);
    for (const FeedFile& file : files) expect("file " + file.path, file.path);
    for (const std::size_t size : {509, 510, 511, 600, 2047, 2048})
      expect("absent", std::string(size, 'x'));
    const auto paths = paths_of(*environment_);
    CPPUNIT_ASSERT(std::set<std::string>(paths.begin(), paths.end()).size() == files.size());
    for (const FeedFile& file : files)
      CPPUNIT_ASSERT(std::find(paths.begin(), paths.end(), file.path) != paths.end());
    Snapshot snapshot(environment_);
    for (const FeedFile& file : files)
      CPPUNIT_ASSERT_EQUAL(file.path, snapshot->stored_file(file.path).value().path);
    CPPUNIT_ASSERT(!snapshot->stored_file(std::string(700, 'x')));
    // A key made of a long path's is nobody's path.
    std::string room;
    CPPUNIT_ASSERT(
        snapshot->find(key_of(files.back().path, room), kNow, HashParts::digests).found ==
        Found::absent);
  }

  void linksAreFollowedAlsoInPrefixes() {
    const std::string long_name(700, 'n');
    make({sample_file("pool/a"), sample_file("pool/" + long_name), sample_link("stable", "pool"),
          sample_link("latest", "pool/a"), sample_link("dists/now", "stable"),
          sample_link("here", ""), sample_link("l/" + long_name, "pool/a"),
          sample_link("dangling", "pool/none")});
    expect("file pool/a", "latest");
    expect("file pool/a", "stable/a");
    expect("file pool/a", "dists/now/a");
    expect("file pool/a", "here/pool/a");
    expect("file pool/a", "l/" + long_name);
    expect("file pool/" + long_name, "stable/" + long_name);
    expect("directory", "stable");
    expect("directory", "here");
    expect("absent", "dangling");
    expect("absent", "latest/a");
    expect("absent", "stable/none");
  }

  void loopsEnd() {
    make({sample_link("a", "b"), sample_link("b", "a"), sample_link("self", "self"),
          sample_link("deeper", "deeper/x")});
    for (const char* path : {"a", "a/x", "self", "self/x", "deeper/y"}) expect("absent", path);
    std::vector<FeedFile> chain{sample_file("end")};
    for (int i = 0; i < 40; ++i)
      chain.push_back(
          sample_link("l" + std::to_string(i), i == 0 ? "end" : "l" + std::to_string(i - 1)));
    make(chain);
    expect("file end", "l39");  // 40 links: as many as Linux follows
  }

  void directoriesAreWhereFilesOrLinksAreBelow() {
    make({sample_file("a/b/c"), sample_file("a!"), sample_link("links/to/a", "a")});
    for (const char* path : {"", "a", "a/b", "links", "links/to"}) expect("directory", path);
    for (const char* path : {"a/", "a/b/", "a/bb", "b", "link", "linkss", "a/b/c/d"})
      expect("absent", path);
    make({});
    expect("directory", "");
    expect("absent", "a");
  }

  void longDirectoriesToo() {
    std::vector<FeedFile> files;
    for (const std::size_t size : {470, 478, 479, 480, 505, 509, 510, 511, 700, 2000}) {
      files.push_back(
          sample_file(std::string(size, static_cast<char>('a' + files.size())) + "/file"));
    }
    files.push_back(sample_link(std::string(900, 'z') + "/link", "b"));
    make(files);
    for (const FeedFile& file : files) {
      const std::string directory = file.path.substr(0, file.path.rfind('/'));
      expect("directory", directory);
      expect("absent", directory + 'x');
      expect("absent", directory.substr(1));
    }
  }

  void goneFilesAreThereUntilTheirGraceEnds() {
    FeedFile file = sample_file("d/f"), link = sample_link("l", "d/f");
    file.gone_s = link.gone_s = kNow;  // the grace time is 60 s
    make({file, link});
    for (const char* path : {"d/f", "l"}) {
      expect("file d/f", path, kNow);
      expect("file d/f", path, kNow + 59);
      expect("absent", path, kNow + 60);
    }
  }

  void pendingFilesTellNoHashes() {
    FeedFile file = sample_file("f");
    file.hashes = sample_hashes();
    file.pending = true;
    make({file});
    Snapshot snapshot(environment_);
    const CatalogFile found = snapshot->find("f", kNow, HashParts::all);
    CPPUNIT_ASSERT(found.found == Found::file && found.file.pending && found.hashes_complete);
    CPPUNIT_ASSERT(found.hashes.sha256.empty() && found.hashes.md5.empty());
  }

  void hashesComeByParts() {
    FeedFile file = sample_file("f"), long_file = sample_file(std::string(1000, 'l')),
             bare = sample_file("bare");
    file.hashes = long_file.hashes = sample_hashes();
    make({file, long_file, bare});
    Snapshot snapshot(environment_);
    for (const FeedFile& one : {file, long_file}) {
      const CatalogFile found = snapshot->find(one.path, kNow, HashParts::all);
      CPPUNIT_ASSERT(found.hashes_complete && equal(found.hashes, one.hashes));
      const CatalogFile digests = snapshot->find(one.path, kNow, HashParts::digests);
      CPPUNIT_ASSERT(digests.hashes.sha512 == one.hashes.sha512 &&
                     digests.hashes.sha1_pieces.empty());
      CPPUNIT_ASSERT(equal(snapshot->stored_file(one.path)->hashes, one.hashes));
    }
    const CatalogFile found = snapshot->find("bare", kNow, HashParts::all);
    CPPUNIT_ASSERT(found.hashes_complete && equal(found.hashes, FileHashes()));
  }

  void withoutHashesItSaysSo() {
    FeedFile file = sample_file("f");
    file.hashes.sha256 = std::string(32, 's');
    file.hashes.btih_exists = true;
    make({file}, false);
    Snapshot snapshot(environment_);
    const CatalogFile found = snapshot->find("f", kNow, HashParts::redirect);
    CPPUNIT_ASSERT(found.hashes_complete && found.hashes.sha256 == file.hashes.sha256 &&
                   found.hashes.btih_exists);
    for (const HashParts parts : {HashParts::digests, HashParts::pieces, HashParts::all}) {
      CPPUNIT_ASSERT(!snapshot->find("f", kNow, parts).hashes_complete);
    }
    CPPUNIT_ASSERT(snapshot->find("none", kNow, HashParts::all).hashes_complete);
  }

  void damagedRecordsAreErrors() {
    FeedFile file = sample_file("f");
    file.hashes = sample_hashes();
    make({file, sample_link("l", "f"), sample_file("g"), sample_file("h")});
    write(environment_->files(), "g", "\x01");
    CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED, error_of([&] { find("g"); }));
    write(environment_->links(), "l", std::string("\0\x7fxx", 4));
    CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED, error_of([&] { find("l"); }));
    write(environment_->hashes(), "f", "\x10");
    CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED, error_of([&] { find("f"); }));
    write(environment_->cohorts(), cohort_key(1), "short");
    CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED, error_of([&] { find("h"); }));
    CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED, error_of([&] { Snapshot(environment_)->cohort(1); }));
    CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED, error_of([&] { cohorts_of(*environment_); }));
    write(environment_->texts(), "meta", "{}");
    CPPUNIT_ASSERT_EQUAL(MDB_INVALID, error_of([&] { find("f"); }));
    write(environment_->texts(), "meta", encode(sample_meta()));
    write(environment_->texts(), "mirrors", "[{}]");
    const std::string name = environment_->file();
    environment_.reset();
    CPPUNIT_ASSERT_EQUAL(MDB_CORRUPTED, error_of([&] {
                           Snapshot(Environment::open(name, Open::read, kSmallAccess))->meta();
                         }));
  }

  void aSnapshotStaysAsItWas() {
    make({sample_file("f")});
    Snapshot before(environment_);
    const CatalogFile found = before->find("f", kNow, HashParts::digests);
    Batch batch(*environment_);
    FeedFile changed = sample_file("f", 2);
    changed.size_bytes = 5;
    batch.put(changed);
    batch.put_cohort(2, std::vector<MirrorId>{9});
    batch.drop_empty({1});
    Meta meta = before->meta();
    batch.put_mirrors({sample_mirror(9)}, {}, meta);
    batch.put_meta(meta);
    batch.commit();
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, found.file.mirrors.size());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1000},
                         before->find("f", kNow, HashParts::digests).file.size_bytes);
    CPPUNIT_ASSERT_EQUAL(std::size_t{9}, before->mirrors()->all().size());
    Snapshot after(environment_);
    CPPUNIT_ASSERT_EQUAL(MirrorId{9},
                         after->find("f", kNow, HashParts::digests).file.mirrors.ids().at(0));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, after->mirrors()->all().size());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CatalogFindTest);

}  // namespace
}  // namespace mirror::catalog
