#include "catalog/codec.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>

namespace mirror::catalog {
namespace {

enum Flag : std::uint16_t {
  kPending = 1,
  kGone = 2,
  kSha256 = 4,
  kLong = 8,
  kBtih = 16,
  kBtihV1 = 32,
  kAsc = 64,
  kSig = 128,
  kNew = 256,
};

void put_unsigned(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_signed(std::string& out, std::int64_t value) {
  put_unsigned(out,
               static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
}

void put_text(std::string& out, std::string_view text) {
  put_unsigned(out, text.size());
  out += text;
}

// Reads a record from its front; after a fault everything is empty and ok() false.
class Decoder {
 public:
  explicit Decoder(std::string_view rest) : rest_(rest) {}
  bool ok() const { return ok_; }
  std::size_t left() const { return rest_.size(); }

  std::string_view bytes(std::uint64_t count) {
    if (count > rest_.size()) return fail();
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::uint8_t byte() {
    const std::string_view one = bytes(1);
    return one.empty() ? 0 : static_cast<std::uint8_t>(one.front());
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    fail();
    return 0;
  }
  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
  }
  std::string_view text() { return bytes(number()); }

 private:
  std::string_view fail() {
    ok_ = false;
    rest_ = {};
    return {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

unsigned flags_of(const FeedFile& file) {
  const FileHashes& hashes = file.hashes;
  unsigned flags = 0;
  const auto set = [&flags](Flag flag, bool on) { flags |= on ? static_cast<unsigned>(flag) : 0u; };
  set(kPending, file.pending);
  set(kGone, file.gone_s.has_value());
  set(kSha256, hashes.sha256.size() == 32);
  set(kLong, is_long(file.path));
  set(kBtih, hashes.has_btih());
  set(kBtihV1, hashes.has_btih_v1());
  set(kAsc, hashes.signature_kind == SignatureKind::asc);
  set(kSig, hashes.signature_kind == SignatureKind::sig);
  set(kNew, file.new_since_s.has_value());
  return flags;
}

constexpr std::string FileHashes::*kShort[] = {
    &FileHashes::md5,     &FileHashes::sha1, &FileHashes::sha512,     &FileHashes::btih,
    &FileHashes::btih_v1, &FileHashes::btmh, &FileHashes::pieces_root};

}  // namespace

std::string_view key_of(std::string_view path, std::string& room) {
  if (!is_long(path)) return path;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_Digest(path.data(), path.size(), digest, &length, EVP_sha256(), nullptr) != 1)
    throw std::bad_alloc();
  room.assign(path.substr(0, kKeyPrefix));
  room.append(reinterpret_cast<const char*>(digest), length);
  return room;
}

void encode_file(std::string& out, const FeedFile& file) {
  out.clear();
  put_unsigned(out, flags_of(file));
  put_signed(out, file.size_bytes);
  put_signed(out, file.mtime_s);
  put_signed(out, file.cohort_id);
  if (file.gone_s) put_signed(out, *file.gone_s);
  if (file.new_since_s) put_signed(out, *file.new_since_s);
  if (file.hashes.sha256.size() == 32) out += file.hashes.sha256;
  if (is_long(file.path)) out += file.path;
}

std::optional<FileRecord> decode_file(std::string_view record) {
  Decoder decoder(record);
  FileRecord file;
  const std::uint64_t flags = decoder.number();
  file.pending = flags & kPending;
  file.btih_exists = flags & kBtih;
  file.btih_v1_exists = flags & kBtihV1;
  file.signature_kind = flags & kAsc   ? SignatureKind::asc
                        : flags & kSig ? SignatureKind::sig
                                       : SignatureKind::none;
  file.size_bytes = decoder.signed_number();
  file.mtime_s = decoder.signed_number();
  file.cohort_id = decoder.signed_number();
  if (flags & kGone) file.gone_s = decoder.signed_number();
  if (flags & kNew) file.new_since_s = decoder.signed_number();
  if (flags & kSha256) file.sha256 = decoder.bytes(32);
  if (!decoder.ok() || file.size_bytes < 0) return std::nullopt;
  if (flags & kLong) file.path = decoder.bytes(decoder.left());
  return file;
}

void encode_link(std::string& out, const FeedFile& link) {
  out.clear();
  out += static_cast<char>(flags_of(link) & (kGone | kLong));
  if (link.gone_s) put_signed(out, *link.gone_s);
  put_text(out, link.link_target.value_or(""));
  if (is_long(link.path)) out += link.path;
}

std::optional<LinkRecord> decode_link(std::string_view record) {
  Decoder decoder(record);
  LinkRecord link;
  const std::uint8_t flags = decoder.byte();
  if (flags & kGone) link.gone_s = decoder.signed_number();
  link.target = decoder.text();
  if (flags & kLong) link.path = decoder.bytes(decoder.left());
  return decoder.ok() ? std::optional(link) : std::nullopt;
}

// With a slash at its end, since no key is empty.
std::string_view group_key(std::string_view folder, std::string& room) {
  std::string name(folder);
  name += '/';
  std::string hashed;
  const std::string_view key = key_of(name, hashed);
  room = key;
  return room;
}

std::string_view cohort_key(const std::int64_t& id) {
  return {reinterpret_cast<const char*>(&id), sizeof id};
}

namespace {

constexpr std::size_t kCohortHead =
    sizeof(std::int64_t) + sizeof(std::uint16_t);  // files, and whether bits follow

// "" for a list that cannot be written as bits, or only at greater length.
std::string bits_of(std::span<const MirrorId> list) {
  if (list.empty() || list.front() <= 0) return "";
  if (std::adjacent_find(list.begin(), list.end(), std::greater_equal<>()) != list.end()) return "";
  std::vector<std::uint64_t> words(static_cast<std::size_t>(list.back()) / 64 + 1);
  if (words.size() * sizeof words[0] > list.size_bytes()) return "";
  for (const MirrorId id : list)
    words[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << id % 64;
  return {reinterpret_cast<const char*>(words.data()), words.size() * sizeof words[0]};
}

}  // namespace

std::string encode_cohort(const CohortRecord& cohort) {
  const std::span<const MirrorId> list = cohort.mirrors.list();
  const std::string bits =
      cohort.mirrors.bits().empty() ? bits_of(list) : std::string(cohort.mirrors.bits());
  const std::uint16_t has_bits = !bits.empty();
  std::string record(kCohortHead, '\0');
  std::memcpy(record.data(), &cohort.files, sizeof cohort.files);
  std::memcpy(record.data() + sizeof cohort.files, &has_bits, sizeof has_bits);
  if (has_bits) return record += bits;
  return record.append(reinterpret_cast<const char*>(list.data()), list.size_bytes());
}

std::optional<CohortRecord> decode_cohort(std::string_view record) {
  if (record.size() < kCohortHead) return std::nullopt;
  CohortRecord cohort;
  std::uint16_t has_bits = 0;
  std::memcpy(&cohort.files, record.data(), sizeof cohort.files);
  std::memcpy(&has_bits, record.data() + sizeof cohort.files, sizeof has_bits);
  record.remove_prefix(kCohortHead);
  if (has_bits) {
    cohort.mirrors = MirrorSet::of_bits(record);
  } else {  // LMDB keeps records at even addresses
    cohort.mirrors = std::span(reinterpret_cast<const MirrorId*>(record.data()),
                               record.size() / sizeof(MirrorId));
  }
  return cohort;
}

namespace {

constexpr std::string FormerVersion::*kFormerTexts[] = {
    &FormerVersion::path, &FormerVersion::md5, &FormerVersion::sha1, &FormerVersion::sha256,
    &FormerVersion::sha512};
constexpr std::int64_t FormerVersion::*kFormerNumbers[] = {
    &FormerVersion::size_bytes, &FormerVersion::mtime_s, &FormerVersion::replaced_s};

void put_former(std::string& out, const FormerVersion& version) {
  for (const auto text : kFormerTexts) put_text(out, version.*text);
  for (const auto number : kFormerNumbers) put_signed(out, version.*number);
  put_unsigned(out, version.mirrors.size());
  for (const MirrorId mirror : version.mirrors) put_signed(out, mirror);
}

FormerVersion read_former(Decoder& decoder) {
  FormerVersion version;
  for (const auto text : kFormerTexts) version.*text = decoder.text();
  for (const auto number : kFormerNumbers) version.*number = decoder.signed_number();
  for (std::uint64_t left = decoder.number(); left > 0 && decoder.ok(); --left)
    version.mirrors.push_back(static_cast<MirrorId>(decoder.signed_number()));
  return version;
}

}  // namespace

// A cohort's record comes first, at an even address, behind its length.
std::string encode_group(std::string_view folder, const MirrorSet& mirrors,
                         std::span<const FormerVersion> former) {
  const std::string cohort = encode_cohort({0, mirrors});
  const std::uint32_t length = static_cast<std::uint32_t>(cohort.size());
  std::string record(reinterpret_cast<const char*>(&length), sizeof length);
  record += cohort;
  put_text(record, folder.size() + 1 > kMaxPlainKey ? folder : "");
  for (const FormerVersion& version : former) put_former(record, version);
  return record;
}

std::optional<GroupRecord> decode_group(std::string_view record) {
  std::uint32_t length = 0;
  if (record.size() < sizeof length) return std::nullopt;
  std::memcpy(&length, record.data(), sizeof length);
  Decoder decoder(record.substr(sizeof length));
  const auto cohort = decode_cohort(decoder.bytes(length));
  const std::string_view folder = decoder.text();
  if (!cohort || !decoder.ok()) return std::nullopt;
  return GroupRecord{cohort->mirrors, folder, decoder.bytes(decoder.left())};
}

std::optional<std::vector<FormerVersion>> decode_former(std::string_view text) {
  std::vector<FormerVersion> versions;
  Decoder decoder(text);
  while (decoder.left() > 0) versions.push_back(read_former(decoder));
  return decoder.ok() ? std::optional(std::move(versions)) : std::nullopt;
}

// What redirects read is at its beginning, so that they touch its first page only.
void encode_hashes(std::string& out, const FileHashes& hashes) {
  out.clear();
  for (const auto member : kShort) put_text(out, hashes.*member);
  put_signed(out, hashes.piece_bytes);
  const ZsyncSums& zsync = hashes.zsync;
  for (const std::int32_t number :
       {zsync.block_bytes, zsync.seq_matches, zsync.rsum_bytes, zsync.md4_bytes})
    put_signed(out, number);
  for (const std::string* text :
       {&hashes.sha1_pieces, &hashes.piece_layer, &hashes.signature, &zsync.sums})
    put_text(out, *text);
}

std::optional<std::string_view> zsync_sums_in(std::string_view record) {
  Decoder decoder(record);
  for ([[maybe_unused]] const auto member : kShort) decoder.text();
  for (int number = 0; number < 5; ++number) decoder.signed_number();
  for (int text = 0; text < 3; ++text) decoder.text();
  const std::string_view sums = decoder.text();
  return decoder.ok() ? std::optional(sums) : std::nullopt;
}

bool decode_hashes(std::string_view record, HashParts parts, FileHashes& hashes) {
  Decoder decoder(record);
  for (const auto member : kShort) hashes.*member = decoder.text();
  hashes.piece_bytes = decoder.signed_number();
  ZsyncSums& zsync = hashes.zsync;
  for (std::int32_t* number :
       {&zsync.block_bytes, &zsync.seq_matches, &zsync.rsum_bytes, &zsync.md4_bytes}) {
    *number = static_cast<std::int32_t>(decoder.signed_number());
  }
  if (parts == HashParts::redirect) return decoder.ok();
  if (parts == HashParts::digests) {
    hashes.sha1_pieces_bytes = decoder.text().size();
    hashes.piece_layer_bytes = decoder.text().size();
    return decoder.ok();
  }
  for (std::string* text : {&hashes.sha1_pieces, &hashes.piece_layer, &hashes.signature})
    *text = decoder.text();
  if (parts == HashParts::all) zsync.sums = decoder.text();
  return decoder.ok();
}

}  // namespace mirror::catalog
