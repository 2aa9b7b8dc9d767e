#include "catalog/codec.h"

#include <functional>
#include <limits>
#include <memory>

#include "catalog_samples.h"

namespace mirror::catalog {
namespace {

constexpr std::int64_t kNumbers[] = {0,
                                     1,
                                     -1,
                                     63,
                                     64,
                                     -64,
                                     -65,
                                     127,
                                     128,
                                     1'700'000'000,
                                     std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<std::int64_t>::min()};

// Of exactly the text's size, so that the address sanitizer and valgrind see each byte read beyond
// it.
class Tight {
 public:
  explicit Tight(std::string_view text) : size_(text.size()), bytes_(new char[text.size()]) {
    text.copy(bytes_.get(), size_);
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> bytes_;
};

void each_damage(const std::string& record, const std::function<void(std::string_view)>& try_it) {
  for (std::size_t size = 0; size < record.size(); ++size)
    try_it(Tight(std::string_view(record).substr(0, size)).view());
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string flipped = record;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    try_it(Tight(flipped).view());
  }
  try_it(Tight(std::string(64, '\xff')).view());
}

// A view that leaves the record, or reading all of it, is what the sanitizer reports.
void expect_within(std::string_view part, std::string_view record) {
  if (part.empty()) return;
  CPPUNIT_ASSERT(part.data() >= record.data() &&
                 part.data() + part.size() <= record.data() + record.size());
}

class CatalogCodecTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CatalogCodecTest);
  CPPUNIT_TEST(filesReadBackAsWritten);
  CPPUNIT_TEST(linksReadBackAsWritten);
  CPPUNIT_TEST(cohortsReadBackAsWritten);
  CPPUNIT_TEST(cohortsOfManyMirrorsTakeABitForEach);
  CPPUNIT_TEST(groupsReadBackAsWritten);
  CPPUNIT_TEST(hashesReadBackAsWrittenByParts);
  CPPUNIT_TEST(damagedRecordsAreNeverReadBeyondTheirEnd);
  CPPUNIT_TEST(longPathsHaveKeysOfTheirOwn);
  CPPUNIT_TEST(metaReadsBackAsWritten);
  CPPUNIT_TEST(mirrorsReadBackAsWritten);
  CPPUNIT_TEST(aPauseReadsBackAsWritten);
  CPPUNIT_TEST(damagedTextsAreRefused);
  CPPUNIT_TEST_SUITE_END();

 public:
  void cohortsReadBackAsWritten() {
    std::vector<MirrorId> hundred;
    for (MirrorId id = 1; id <= 200; id = static_cast<MirrorId>(id + 2)) hundred.push_back(id);
    const std::vector<MirrorId> lists[] = {
        {}, {1}, {32767}, {1, 2, 3}, {3, 1, 2}, {5, 5}, {0, 1, 2, 3, 4}, {-1, 7}, hundred};
    for (const auto& list : lists) {
      const std::string record = encode_cohort({7, list});
      const CohortRecord read = decode_cohort(record).value();
      CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, read.files);
      CPPUNIT_ASSERT(read.mirrors.ids() == list);
      CPPUNIT_ASSERT_EQUAL(list.size(), read.mirrors.size());
      CPPUNIT_ASSERT(encode_cohort({8, read.mirrors}).substr(8) == record.substr(8));
      each_damage(record, [](std::string_view damaged) {
        const auto cohort = decode_cohort(damaged);
        CPPUNIT_ASSERT_EQUAL(damaged.size() >= 10, cohort.has_value());
        if (cohort) cohort->mirrors.ids();
      });
    }
  }

  void cohortsOfManyMirrorsTakeABitForEach() {
    std::vector<MirrorId> list;
    for (MirrorId id = 1; id <= 311; ++id) list.push_back(id);
    CPPUNIT_ASSERT_EQUAL(std::size_t{10 + 40}, encode_cohort({1, list}).size());
  }

  void groupsReadBackAsWritten() {
    std::vector<FormerVersion> former;
    for (const std::int64_t number : kNumbers) {
      FormerVersion& version = former.emplace_back();
      version.path = "r/repodata/repomd.xml";
      version.size_bytes = version.mtime_s = version.replaced_s = number;
      version.sha256 = std::string(32, '\x03');
      if (number > 0) version.mirrors = {1, 300, 32767};
    }
    const std::string long_folder(600, 'f');
    for (const std::string& folder : {std::string("r/repodata"), std::string(), long_folder}) {
      const std::string record = encode_group(folder, std::vector<MirrorId>{2, 5}, former);
      const GroupRecord read = decode_group(record).value();
      CPPUNIT_ASSERT(read.mirrors.ids() == std::vector<MirrorId>({2, 5}));
      CPPUNIT_ASSERT(read.folder == (folder == long_folder ? folder : ""));
      CPPUNIT_ASSERT(decode_former(read.former) == former);
    }
    const std::string record = encode_group("r", std::vector<MirrorId>{2, 5}, {&former[3], 2});
    each_damage(record, [](std::string_view damaged) {
      const auto group = decode_group(damaged);
      if (!group) return;
      group->mirrors.ids();
      expect_within(group->folder, damaged);
      decode_former(group->former);
    });
  }

  void filesReadBackAsWritten() {
    std::string record;
    for (const std::int64_t number : kNumbers) {
      for (int flags = 0; flags < 16; ++flags) {
        FeedFile file = sample_file(flags & 1 ? std::string(511, 'p') : "p", number);
        file.size_bytes = number < 0 ? 0 : number;
        file.mtime_s = number;
        if (flags & 2) file.gone_s = number;
        file.pending = flags & 4;
        if (flags & 8) file.hashes = sample_hashes();
        encode_file(record, file);
        const auto read = decode_file(record);
        CPPUNIT_ASSERT(read.has_value());
        CPPUNIT_ASSERT_EQUAL(file.size_bytes, read->size_bytes);
        CPPUNIT_ASSERT_EQUAL(file.mtime_s, read->mtime_s);
        CPPUNIT_ASSERT_EQUAL(file.cohort_id, read->cohort_id);
        CPPUNIT_ASSERT(file.gone_s == read->gone_s);
        CPPUNIT_ASSERT_EQUAL(file.pending, read->pending);
        CPPUNIT_ASSERT(read->sha256 == file.hashes.sha256);
        CPPUNIT_ASSERT_EQUAL(file.hashes.btih_exists, read->btih_exists);
        CPPUNIT_ASSERT_EQUAL(file.hashes.btih_v1_exists, read->btih_v1_exists);
        CPPUNIT_ASSERT(read->signature_kind == file.hashes.signature_kind);
        CPPUNIT_ASSERT(read->path == (flags & 1 ? file.path : ""));
      }
    }
  }

  void linksReadBackAsWritten() {
    std::string record;
    for (const std::string& target : {std::string(), std::string("a/b"), std::string(2048, 't')}) {
      for (const std::string& path : {std::string("l"), std::string(600, 'l')}) {
        FeedFile link = sample_link(path, target);
        for (const auto gone_s : {std::optional<std::int64_t>(), std::optional<std::int64_t>(-5)}) {
          link.gone_s = gone_s;
          encode_link(record, link);
          const auto read = decode_link(record);
          CPPUNIT_ASSERT(read.has_value());
          CPPUNIT_ASSERT(read->target == target && read->gone_s == gone_s &&
                         read->path == (is_long(path) ? path : ""));
        }
      }
    }
  }

  void hashesReadBackAsWrittenByParts() {
    FileHashes written = sample_hashes();
    written.sha256.clear();  // these two are in the file's record
    written.signature_kind = SignatureKind::none;
    written.btih_exists = written.btih_v1_exists = false;
    std::string record;
    encode_hashes(record, written);
    FileHashes all, pieces, digests;
    CPPUNIT_ASSERT(decode_hashes(record, HashParts::all, all));
    CPPUNIT_ASSERT(equal(written, all));
    CPPUNIT_ASSERT(decode_hashes(record, HashParts::pieces, pieces));
    written.zsync.sums.clear();
    CPPUNIT_ASSERT(equal(written, pieces));
    CPPUNIT_ASSERT(decode_hashes(record, HashParts::digests, digests));
    written.sha1_pieces.clear(), written.piece_layer.clear(), written.signature.clear();
    CPPUNIT_ASSERT(equal(written, digests));
    CPPUNIT_ASSERT_EQUAL(all.sha1_pieces.size(), digests.size_of_pieces());
    CPPUNIT_ASSERT_EQUAL(all.piece_layer.size(), digests.size_of_layer());
    CPPUNIT_ASSERT(digests.size_of_pieces() > 0 && digests.sha1_pieces.empty());
    CPPUNIT_ASSERT(zsync_sums_in(record) == std::string_view(all.zsync.sums));
  }

  void damagedRecordsAreNeverReadBeyondTheirEnd() {
    std::string record;
    FeedFile file = sample_file(std::string(520, 'p'), 12345);
    file.gone_s = 1'700'000'000;
    file.hashes = sample_hashes();
    encode_file(record, file);
    std::size_t refused = 0;
    each_damage(record, [&](std::string_view damaged) {
      const auto read = decode_file(damaged);
      if (!read) return void(++refused);
      expect_within(read->sha256, damaged);
      expect_within(read->path, damaged);
      CPPUNIT_ASSERT(read->size_bytes >= 0);
    });
    CPPUNIT_ASSERT(refused > record.size() - file.path.size());

    refused = 0;
    encode_link(record, sample_link(std::string(520, 'p'), "target"));
    each_damage(record, [&](std::string_view damaged) {
      const auto read = decode_link(damaged);
      if (!read) return void(++refused);
      expect_within(read->target, damaged);
      expect_within(read->path, damaged);
    });
    CPPUNIT_ASSERT(refused >= std::string_view("..target").size());

    file.hashes.sha1_pieces.resize(40), file.hashes.piece_layer.resize(64),
        file.hashes.zsync.sums.resize(16);
    encode_hashes(record, file.hashes);
    for (const HashParts parts :
         {HashParts::redirect, HashParts::digests, HashParts::pieces, HashParts::all}) {
      refused = 0;
      each_damage(record, [&](std::string_view damaged) {
        FileHashes read;
        refused += !decode_hashes(damaged, parts, read);
        if (const auto sums = zsync_sums_in(damaged)) expect_within(*sums, damaged);
      });
      CPPUNIT_ASSERT(refused > 16 + 20 + 64);
    }
  }

  void longPathsHaveKeysOfTheirOwn() {
    std::set<std::string> keys;
    std::size_t paths = 0;
    std::string room;
    for (const std::size_t size : {508, 509, 510, 511, 512, 513, 1000, 2047, 2048}) {
      for (const char last : {'a', 'b'}) {
        const std::string path =
            std::string(size - 1, 'x') + last;  // all have their first 507 bytes in common
        const std::string key(key_of(path, room));
        CPPUNIT_ASSERT(key.size() <= 511);
        CPPUNIT_ASSERT_EQUAL(size > 510, key != path);
        CPPUNIT_ASSERT(key.starts_with(path.substr(0, kKeyPrefix)));
        keys.insert(key);
        ++paths;
      }
    }
    CPPUNIT_ASSERT_EQUAL(paths, keys.size());
  }

  void metaReadsBackAsWritten() {
    Meta meta = sample_meta();
    meta.mirrors_rev = 3, meta.mirrors_count = 4, meta.grace_s = 0.25, meta.as_of_s = kNow,
    meta.swept_s = kNow - 1;
    const auto read = decode_meta(encode(meta));
    CPPUNIT_ASSERT(read.has_value());
    CPPUNIT_ASSERT(read->rev == meta.rev && read->token == meta.token && read->mirrors_rev == 3 &&
                   read->mirrors_count == 4);
    CPPUNIT_ASSERT(read->grace_s == 0.25 && read->complete && read->hashes &&
                   read->as_of_s == kNow && read->swept_s == kNow - 1);
    CPPUNIT_ASSERT(!decode_meta(encode(Meta()))->complete);
    std::string other = encode(meta);
    const std::string format = "\"format\":";
    other.replace(other.find(format + std::to_string(kFormat)), format.size() + 1, format + "1");
    CPPUNIT_ASSERT(!decode_meta(other));
  }

  void mirrorsReadBackAsWritten() {
    Mirror full = sample_mirror(32767, "FR");
    full.operator_name = "Université \"Ü\" \xff";  // a byte that is no UTF-8
    full.operator_url = "https://operator.example/";
    full.enabled = full.online = false;
    full.down.add({true, Family::ipv6});
    full.standing = Standing::returning;
    full.down_reason = "certificate expired", full.standing_reason = "was down";
    full.weight = 7, full.asn = 4294967295, full.file_maxsize = std::int64_t{1} << 40;
    full.prefix_only = full.as_only = full.country_only = full.region_only = true;
    full.ipv4 = false;
    full.region = Region::EU;
    full.place = Place{48.5, -2.25};
    full.other_countries = {country("BE"), country("CH")};
    full.excluded_countries = {country("US")};
    full.prefixes = {prefix("192.0.2.0/24"), prefix("2001:db8::/32")};
    full.served_as = {64500, 4294967295};
    const auto read = decode_mirrors(encode_mirrors({sample_mirror(1), full}));
    CPPUNIT_ASSERT(read.has_value() && read->size() == 2);
    CPPUNIT_ASSERT(!read->at(0).place && read->at(0).enabled && read->at(0).ipv6);
    const Mirror& m = read->at(1);
    CPPUNIT_ASSERT(m.id == full.id && m.identifier == full.identifier &&
                   m.http_url == full.http_url && m.https_url == full.https_url);
    CPPUNIT_ASSERT(!m.enabled && !m.online && m.weight == 7 && m.country == full.country &&
                   m.region == Region::EU);
    CPPUNIT_ASSERT(m.down == full.down && m.standing == full.standing &&
                   m.down_reason == full.down_reason && m.standing_reason == full.standing_reason);
    CPPUNIT_ASSERT(read->at(0).down.empty() && read->at(0).standing == Standing::good);
    CPPUNIT_ASSERT(m.place && m.place->latitude == 48.5 && m.place->longitude == -2.25 &&
                   m.asn == full.asn);
    CPPUNIT_ASSERT(m.prefix_only && m.as_only && m.country_only && m.region_only && !m.ipv4 &&
                   m.ipv6);
    CPPUNIT_ASSERT_EQUAL(full.file_maxsize, m.file_maxsize);
    CPPUNIT_ASSERT(m.other_countries == full.other_countries &&
                   m.excluded_countries == full.excluded_countries);
    CPPUNIT_ASSERT(m.prefixes.size() == 2 && m.prefixes[0].text() == "192.0.2.0/24" &&
                   m.prefixes[1].text() == "2001:db8::/32");
    CPPUNIT_ASSERT(m.served_as == full.served_as && m.operator_url == full.operator_url);
    CPPUNIT_ASSERT(m.operator_name.starts_with("Université \"Ü\" "));
    CPPUNIT_ASSERT(decode_mirrors(encode_mirrors({}))->empty());
  }

  void aPauseReadsBackAsWritten() {
    for (const std::optional<Pause>& pause :
         {std::optional<Pause>(), std::optional(Pause{1'795'600'000, "say \"hi\""})}) {
      std::optional<Pause> read = Pause{1, "another"};
      CPPUNIT_ASSERT(decode_pause(encode_pause(pause), read));
      CPPUNIT_ASSERT(read == pause);
    }
    for (const char* text :
         {"", "{}", "[]", R"({"since_s":"x","reason":"y"})", "{\"since_s\":1}"}) {
      std::optional<Pause> read;
      CPPUNIT_ASSERT_MESSAGE(text, !decode_pause(text, read));
    }
  }

  void damagedTextsAreRefused() {
    const std::string meta = encode(sample_meta()), mirrors = encode_mirrors({sample_mirror(1)});
    for (std::size_t size = 0; size < meta.size(); ++size)
      CPPUNIT_ASSERT(!decode_meta(Tight(meta.substr(0, size)).view()));
    for (std::size_t size = 0; size < mirrors.size(); ++size)
      CPPUNIT_ASSERT(!decode_mirrors(Tight(mirrors.substr(0, size)).view()));
    each_damage(meta, [](std::string_view damaged) { decode_meta(damaged); });
    each_damage(mirrors, [](std::string_view damaged) { decode_mirrors(damaged); });
    for (const char* text : {"", "1", "null", "{}", "[1]", "[{}]", "{\"id\":1}", "[[[[[["}) {
      CPPUNIT_ASSERT_MESSAGE(
          text, !decode_meta(text) && !decode_mirrors(text).value_or(std::vector<Mirror>()).size());
    }
    CPPUNIT_ASSERT(!decode_mirrors("[1]") && !decode_mirrors("[{}]") && !decode_mirrors("\"x\""));
    const std::string deep(100'000, '[');
    CPPUNIT_ASSERT(!decode_mirrors(deep) && !decode_meta(deep));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CatalogCodecTest);

}  // namespace
}  // namespace mirror::catalog
