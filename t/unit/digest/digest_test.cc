// Tests lib/digest: each lane against a slow and simple computation, and one pass shared by many
// threads.
#include "digest/digest.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <random>
#include <thread>

#include "core/info_dictionary.h"
#include "digest/evp.h"
#include "digest/md4.h"
#include "digest/shared_pass.h"

namespace mirror::digest {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

std::string digest_of(const char* name, std::string_view bytes) {
  Evp evp(name);
  evp.add(bytes);
  return evp.finish();
}

std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::mt19937_64 random(size);
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + at, &word, std::min<std::size_t>(8, size - at));
  }
  return bytes;
}

// BEP 52 word by word: the node that covers `leaves` leaves from `at` on.
std::string node(std::string_view file, std::size_t at, std::size_t leaves) {
  if (leaves == 1)
    return at < file.size() ? digest_of("SHA256", file.substr(at, kLeafBytes))
                            : std::string(32, '\0');
  const std::size_t half = leaves / 2;
  return digest_of("SHA256", node(file, at, half) + node(file, at + half * kLeafBytes, half));
}

FileHashes hash(std::string_view bytes, const HashKinds& kinds) {
  Lanes lanes(kinds);
  lanes.start(1);  // they are used again and again
  lanes.start(static_cast<std::int64_t>(bytes.size()));
  for (std::string_view rest = bytes; !rest.empty();
       rest.remove_prefix(std::min(kBlockBytes, rest.size()))) {
    for (Lane* lane : lanes.active()) lane->add(rest.substr(0, kBlockBytes));
  }
  return lanes.finish();
}

bool equal(const FileHashes& a, const FileHashes& b) {
  return a.md5 == b.md5 && a.sha1 == b.sha1 && a.sha256 == b.sha256 && a.sha512 == b.sha512 &&
         a.sha1_pieces == b.sha1_pieces && a.pieces_root == b.pieces_root &&
         a.piece_layer == b.piece_layer && a.zsync.sums == b.zsync.sums;
}

class DigestTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DigestTest);
  CPPUNIT_TEST(knowsTheVectorsOfMd4);
  CPPUNIT_TEST(wholeDigests);
  CPPUNIT_TEST(piecesAndTreesOfEverySize);
  CPPUNIT_TEST(onlyWhatIsWanted);
  CPPUNIT_TEST(anEmptyFile);
  CPPUNIT_TEST(infoHashesFollowTheName);
  CPPUNIT_TEST(zsyncBlocksLargerThanWhatIsRead);
  CPPUNIT_TEST(manyThreadsFindTheSame);
  CPPUNIT_TEST(aReadThatFailsEndsThePass);
  CPPUNIT_TEST_SUITE_END();

 public:
  static constexpr HashKinds kAll{.zsync = true};

  void knowsTheVectorsOfMd4() {
    static constexpr const char* kVectors[][2] = {
        // RFC 1320, A.5
        {"", "31d6cfe0d16ae931b73c59d7e0c089c0"},
        {"a", "bde52cb31de33e46245e05fbdbd6fb24"},
        {"abc", "a448017aaf21d8525fc10ae87aa6729d"},
        {"message digest", "d9130a8164549fe818874806e1c7014b"},
        {"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "043f8582f241db351ce627e153e7f0e4"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "e33b4ddc9c38f2199c3e7b164fcc0536"}};
    for (const auto& [text, expected] : kVectors) {
      const auto found = md4(text);
      CPPUNIT_ASSERT_EQUAL(std::string(expected),
                           hex({reinterpret_cast<const char*>(found.data()), found.size()}));
    }
  }

  void wholeDigests() {
    const FileHashes hashes = hash("abc", kAll);
    CPPUNIT_ASSERT_EQUAL(std::string("900150983cd24fb0d6963f7d28e17f72"), hex(hashes.md5));
    CPPUNIT_ASSERT_EQUAL(std::string("a9993e364706816aba3e25717850c26c9cd0d89d"), hex(hashes.sha1));
    CPPUNIT_ASSERT_EQUAL(
        std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        hex(hashes.sha256));
    CPPUNIT_ASSERT_EQUAL(std::string("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d"
                                     "39a2192992a274fc1a836ba3c23a3feebbd"
                                     "454d4423643ce80e2a9ac94fa54ca49f"),
                         hex(hashes.sha512));
  }

  void piecesAndTreesOfEverySize() {
    const std::size_t piece = 256 * 1024;
    for (const std::size_t size :
         {std::size_t{1}, kLeafBytes - 1, kLeafBytes, kLeafBytes + 1, 3 * kLeafBytes,
          5 * kLeafBytes + 7, piece - 1, piece, piece + 1, 2 * piece, 3 * piece,
          5 * piece + kLeafBytes + 1, 9 * piece - 1}) {
      const std::string bytes = noise(size);
      for (const bool whole : {true, false}) {
        const FileHashes hashes = hash(bytes, {.sha1 = whole, .sha256 = whole});
        std::string pieces, layer;
        for (std::size_t at = 0; at < size; at += piece) {
          pieces += digest_of("SHA1", bytes.substr(at, piece));
          if (size > piece) layer += node(bytes, at, piece / kLeafBytes);
        }
        std::size_t leaves = 1;
        while (leaves * kLeafBytes < size) leaves *= 2;
        const std::string message = fmt::format("{} bytes", size);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(message, std::int64_t{256 * 1024}, hashes.piece_bytes);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(message, hex(pieces), hex(hashes.sha1_pieces));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(message, hex(node(bytes, 0, leaves)), hex(hashes.pieces_root));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(message, hex(layer), hex(hashes.piece_layer));
      }
    }
  }

  void onlyWhatIsWanted() {
    const FileHashes hashes =
        hash(noise(100000),
             {.md5 = false, .sha1 = false, .sha512 = false, .pieces = false, .merkle = false});
    CPPUNIT_ASSERT(hashes.md5.empty() && hashes.sha1.empty() && hashes.sha512.empty() &&
                   hashes.sha1_pieces.empty());
    CPPUNIT_ASSERT(hashes.piece_bytes == 0 && hashes.pieces_root.empty() &&
                   hashes.zsync.block_bytes == 0);
    CPPUNIT_ASSERT_EQUAL(std::size_t{32}, hashes.sha256.size());
  }

  void anEmptyFile() {
    FileHashes hashes = hash("", kAll);
    CPPUNIT_ASSERT_EQUAL(std::string("d41d8cd98f00b204e9800998ecf8427e"), hex(hashes.md5));
    CPPUNIT_ASSERT(hashes.piece_bytes == 256 * 1024 && hashes.sha1_pieces.empty() &&
                   hashes.pieces_root.empty());
    CPPUNIT_ASSERT(hashes.zsync.block_bytes == 0);
    add_info_hashes(hashes, "d/empty", 0);
    CPPUNIT_ASSERT(!hashes.btih.empty() && !hashes.btih_v1.empty() && !hashes.btmh.empty());
  }

  void infoHashesFollowTheName() {
    FileHashes hashes = hash("abc", kAll);
    add_info_hashes(hashes, "d/name", 3);
    CPPUNIT_ASSERT(hashes.btih ==
                   digest_of("SHA1", info_dictionary("name", 3, hashes, TorrentForm::hybrid)));
    CPPUNIT_ASSERT(hashes.btmh ==
                   digest_of("SHA256", info_dictionary("name", 3, hashes, TorrentForm::hybrid)));
    const std::string v1 = hashes.btih_v1;
    CPPUNIT_ASSERT(v1 == digest_of("SHA1", info_dictionary("name", 3, hashes, TorrentForm::v1)));
    add_info_hashes(hashes, "d/other", 3);
    CPPUNIT_ASSERT(v1 != hashes.btih_v1);
    hashes.pieces_root.clear();
    add_info_hashes(hashes, "d/name", 3);
    CPPUNIT_ASSERT(hashes.btih.empty() && hashes.btmh.empty() && hashes.btih_v1 == v1);
  }

  void zsyncBlocksLargerThanWhatIsRead() {
    const std::string bytes = noise(1'000'000);
    const FileHashes whole = hash(bytes, kAll);
    const auto lane = make_zsync_lane();
    lane->start(static_cast<std::int64_t>(bytes.size()));
    for (std::size_t at = 0; at < bytes.size(); at += 999)
      lane->add(std::string_view(bytes).substr(at, 999));
    FileHashes other;
    lane->finish(other);
    CPPUNIT_ASSERT(whole.zsync.sums == other.zsync.sums);
    CPPUNIT_ASSERT_EQUAL(std::size_t{(1'000'000 + 2047) / 2048 * 6}, whole.zsync.sums.size());
    const ZsyncSums huge = zsync_parameters(std::int64_t{200} << 30);
    CPPUNIT_ASSERT_EQUAL(262144, huge.block_bytes);
  }

  void manyThreadsFindTheSame() {
    const std::string bytes = noise(40 * kBlockBytes + 12345);
    const FileHashes expected = hash(bytes, kAll);
    Lanes lanes(kAll);
    for (int round = 0; round < 5; ++round) {
      std::string ring(4 * kBlockBytes, '\0');
      std::string_view rest = bytes;
      SharedPass pass(lanes.start(static_cast<std::int64_t>(bytes.size())), ring, [] {});
      std::atomic<bool> over = false;
      std::vector<std::thread> helpers;
      for (int i = 0; i < 3; ++i) {
        helpers.emplace_back([&] {
          while (!over) {
            if (!pass.help()) std::this_thread::yield();
          }
        });
      }
      const std::int64_t read = pass.run([&](std::span<char> into) { return take(rest, into); });
      over = true;
      for (std::thread& helper : helpers) helper.join();
      CPPUNIT_ASSERT_EQUAL(static_cast<std::int64_t>(bytes.size()), read);
      CPPUNIT_ASSERT(equal(expected, lanes.finish()));
    }
  }

  void aReadThatFailsEndsThePass() {
    Lanes lanes(kAll);
    std::string ring(2 * kBlockBytes, '\0');
    SharedPass pass(lanes.start(1 << 30), ring, [] {});
    int reads = 0;
    const auto read = [&](std::span<char> into) {
      if (++reads == 4) throw std::runtime_error("broken disk");
      return into.size();
    };
    CPPUNIT_ASSERT_THROW(pass.run(read), std::runtime_error);
    CPPUNIT_ASSERT(!pass.help());
  }

 private:
  static std::size_t take(std::string_view& from, std::span<char> into) {
    const std::size_t size = std::min(from.size(), into.size());
    std::memcpy(into.data(), from.data(), size);
    from.remove_prefix(size);
    return size;
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(DigestTest);

}  // namespace
}  // namespace mirror::digest
