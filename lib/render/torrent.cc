#include "core/info_dictionary.h"

#include <algorithm>

#include "core/bencode.h"
#include "render/representation.h"

namespace mirror {
namespace {

void append_trackers(std::string& out, std::span<const TrackerTier> tiers) {
  if (tiers.empty()) return;
  append_string(out, "announce");
  append_string(out, tiers.front().front());
  append_string(out, "announce-list");  // BEP 12
  out += 'l';
  for (const TrackerTier& tier : tiers) {
    out += 'l';
    for (const std::string& tracker : tier) append_string(out, tracker);
    out += 'e';
  }
  out += 'e';
}

void append_nodes(std::string& out, std::span<const DhtNode> nodes) {
  if (nodes.empty()) return;
  append_string(out, "nodes");  // BEP 5
  out += 'l';
  for (const DhtNode& node : nodes) {
    out += 'l';
    append_string(out, node.host);
    append_integer(out, node.port);
    out += 'e';
  }
  out += 'e';
}

void append_piece_layers(std::string& out, const FileHashes& hashes) {
  append_string(out, "piece layers");  // BEP 52; a file of one piece has none
  out += 'd';
  if (!hashes.piece_layer.empty()) {
    append_string(out, hashes.pieces_root);
    append_string(out, hashes.piece_layer);
  }
  out += 'e';
}

void append_web_seeds(std::string& out, const Subject& subject) {
  const auto mirrors = subject.mirrors();
  if (!subject.has_url()) return;
  append_string(out, "url-list");  // BEP 19
  out += 'l';
  for (const Candidate& candidate : mirrors) append_string(out, subject.mirror_url(candidate));
  for (const std::string& last : subject.sole_resorts()) append_string(out, last);
  out += 'e';
}

}  // namespace

void render_torrent(std::string& out, const Subject& subject) {
  const File& file = subject.file;
  const RepresentationSettings& settings = subject.settings;
  out += 'd';
  append_trackers(out, settings.trackers);
  append_string(out, "created by");
  append_string(out, "mod_mirror");
  append_string(out, "creation date");
  append_integer(out, std::max<std::int64_t>(file.mtime_s, 0));
  append_string(out, "info");
  append_info_dictionary(out, file.path, file.size_bytes, subject.hashes, settings.torrent_form);
  append_nodes(out, settings.dht_nodes);
  if (settings.torrent_form == TorrentForm::hybrid) append_piece_layers(out, subject.hashes);
  append_web_seeds(out, subject);
  out += 'e';
}

}  // namespace mirror
