// Magnet URIs: BEP 9, BEP 52 for btmh (a multihash: 0x12 sha2-256, 0x20 its length), BEP 19's web
// seeds as ws.
#include <fmt/format.h>

#include <iterator>

#include "core/encode.h"
#include "render/representation.h"

namespace mirror {
namespace {

constexpr std::size_t kMostWebSeeds = 5;  // a URI must remain one that people can paste

void append_parameter(std::string& out, std::string_view name, std::string_view value) {
  out.append("&").append(name).append("=");
  append_percent(out, value);
}

}  // namespace

void append_magnet(std::string& out, const Subject& subject) {
  const FileHashes& hashes = subject.hashes;
  const bool hybrid = subject.settings.torrent_form == TorrentForm::hybrid;
  out += "magnet:?xt=urn:btih:";
  append_hex(out, hybrid ? hashes.btih : hashes.btih_v1);
  if (hybrid) {
    out += "&xt=urn:btmh:1220";
    append_hex(out, hashes.btmh);
  }
  append_parameter(out, "dn", subject.name());
  fmt::format_to(std::back_inserter(out), "&xl={}", subject.file.size_bytes);
  for (const TrackerTier& tier : subject.settings.trackers) {
    for (const std::string& tracker : tier) append_parameter(out, "tr", tracker);
  }
  const auto mirrors = subject.mirrors();
  for (const Candidate& candidate : mirrors.first(std::min(mirrors.size(), kMostWebSeeds))) {
    append_parameter(out, "ws", subject.mirror_url(candidate));
  }
  for (const std::string& last : subject.sole_resorts()) append_parameter(out, "ws", last);
  if (subject.has(Representation::torrent))
    append_parameter(out, "xs", subject.url(Representation::torrent));
}

void render_magnet(std::string& out, const Subject& subject) {
  append_magnet(out, subject);
  out += '\n';
}

}  // namespace mirror
