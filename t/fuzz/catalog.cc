#include "catalog/codec.h"
#include "fuzz.h"

using namespace mirror;
using namespace mirror::catalog;

namespace {

bool within(std::string_view part, std::string_view record) {
  return part.empty() || (part.data() >= record.data() &&
                          part.data() + part.size() <= record.data() + record.size());
}

// What was read and is written again says the same.
void try_file(std::string_view record) {
  const auto read = decode_file(record);
  if (!read) return;
  require(within(read->sha256, record) && within(read->path, record) && read->size_bytes >= 0);
  FeedFile file;
  file.path = read->path;
  file.shown = true;
  file.size_bytes = read->size_bytes, file.mtime_s = read->mtime_s,
  file.cohort_id = read->cohort_id;
  file.gone_s = read->gone_s;
  file.pending = read->pending;
  file.hashes.sha256 = read->sha256;
  std::string written;
  encode_file(written, file);
  const auto again = decode_file(written);
  require(again && again->size_bytes == read->size_bytes && again->mtime_s == read->mtime_s &&
          again->cohort_id == read->cohort_id);
  require(again->gone_s == read->gone_s && again->pending == read->pending &&
          again->sha256 == read->sha256);
  require(again->path == (is_long(read->path) ? read->path : ""));
}

void try_link(std::string_view record) {
  const auto read = decode_link(record);
  if (!read) return;
  require(within(read->target, record) && within(read->path, record));
  FeedFile link;
  link.path = read->path;
  link.link_target = std::string(read->target);
  link.gone_s = read->gone_s;
  std::string written;
  encode_link(written, link);
  const auto again = decode_link(written);
  require(again && again->target == read->target && again->gone_s == read->gone_s);
}

void try_hashes(std::string_view record) {
  FileHashes digests, pieces, all;
  const bool has_digests = decode_hashes(record, HashParts::digests, digests),
             has_pieces = decode_hashes(record, HashParts::pieces, pieces);
  if (!decode_hashes(record, HashParts::all, all)) return;
  require(has_digests && has_pieces && digests.md5 == all.md5 &&
          pieces.sha1_pieces == all.sha1_pieces);
  std::string written;
  encode_hashes(written, all);
  FileHashes again;
  require(decode_hashes(written, HashParts::all, again) && again.zsync.sums == all.zsync.sums &&
          again.signature == all.signature);
}

// At an even address, as LMDB has it.
void try_group(std::string_view text) {
  const std::string record(text);
  const auto read = decode_group(record);
  if (!read) return;
  require(within(read->folder, record) && within(read->former, record));
  const std::vector<MirrorId> mirrors = read->mirrors.ids();
  const auto former = decode_former(read->former);
  if (!former) return;
  const std::string written = encode_group(read->folder, mirrors, *former);
  const auto again = decode_group(written);
  require(again && again->mirrors.ids() == mirrors && decode_former(again->former) == former);
}

void try_texts(std::string_view text) {
  if (const auto meta = decode_meta(text)) require(decode_meta(encode(*meta)).has_value());
  if (const auto mirrors = decode_mirrors(text))
    require(decode_mirrors(encode_mirrors(*mirrors)).has_value());
}

}  // namespace

// The first byte says what the rest is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view record(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      try_file(record);
      break;
    case 1:
      try_link(record);
      break;
    case 2:
      try_hashes(record);
      break;
    case 4:
      try_group(record);
      break;
    default:
      try_texts(record);
  }
  return 0;
}
