#include "answer/represent.h"
#include "core/utf8.h"
#include "fuzz.h"

using namespace mirror;

namespace {

MirrorTable two_mirrors() {
  Mirror mirror;
  mirror.id = 1;
  mirror.identifier = "m";
  mirror.http_url = "http://m.example/";
  mirror.enabled = true;
  Mirror other = mirror;
  other.id = 2;
  other.https_url = "https://o.example/";
  other.operator_name = "<&>";
  return MirrorTable(1, {mirror, other});
}

FileHashes all_hashes() {
  FileHashes hashes;
  hashes.md5 = std::string(16, 'm');
  hashes.sha1 = hashes.btih = hashes.btih_v1 = hashes.sha1_pieces = std::string(20, '1');
  hashes.sha256 = hashes.btmh = hashes.pieces_root = std::string(32, '2');
  hashes.sha512 = std::string(64, '5');
  hashes.piece_bytes = 256 * 1024;
  hashes.zsync = {131072, 1, 4, 16, std::string(20, 'z')};
  return hashes;
}

bool is_text(Representation which) {
  return which != Representation::torrent && which != Representation::zsync;
}
bool keeps_names_raw(Representation which) {
  return which >= Representation::md5 && which <= Representation::btih;
}

}  // namespace

// A path of any bytes: every representation of it is whole, and in what claims to be UTF-8 there is
// nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MirrorTable table = two_mirrors();
  static const FileHashes hashes = all_hashes();
  const std::string path(reinterpret_cast<const char*>(data), size);
  if (const auto suffixed = split_suffix(path))
    require(!suffixed->path.empty() && suffixed->path.size() < path.size());
  static constexpr MirrorId kHolders[] = {1, 2};
  const File file{path, 100'000, 1, std::span<const MirrorId>(kHolders), false};
  const Request request{.path = path, .tree_url = "http://r.example/"};
  for (std::size_t i = 0; i < kRepresentations; ++i) {
    const auto which = static_cast<Representation>(i);
    const Outcome outcome = represent(which, request, {}, file, hashes, table, {});
    const auto& answer = std::get<Outcome::Answer>(outcome.result);
    require(answer.status == 200 && !answer.body.empty());
    for (const auto& [name, value] : answer.headers) require(!has_control_bytes(value));
    if (!is_text(which) || keeps_names_raw(which)) continue;
    for (std::string_view rest = answer.body; !rest.empty();) {
      const CodePoint point = first_code_point(rest);
      require(point.length > 0 && (point.value >= ' ' || point.value == '\n'));
      rest.remove_prefix(point.length);
    }
  }
  return 0;
}
