#include "render/torrent.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "render/representation.h"

namespace mirror {
namespace {

void append_string(std::string& out, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "{}:", text.size());
  out += text;
}

void append_integer(std::string& out, std::int64_t number) {
  fmt::format_to(std::back_inserter(out), "i{}e", number);
}

void append_file_tree(std::string& out, std::string_view name, std::int64_t size_bytes,
                      const FileHashes& hashes) {
  append_string(out, "file tree");
  out += 'd';
  append_string(out, name);
  out += "d0:d6:length";
  append_integer(out, size_bytes);
  if (size_bytes > 0) {
    append_string(out, "pieces root");
    append_string(out, hashes.pieces_root);
  }
  out += "eee";
}

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

void append_info_dictionary(std::string& out, std::string_view path, std::int64_t size_bytes,
                            const FileHashes& hashes, TorrentForm form) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  out += 'd';  // keys in the order of their bytes, as BEP 3 demands
  if (form == TorrentForm::hybrid) append_file_tree(out, name, size_bytes, hashes);
  append_string(out, "length");
  append_integer(out, size_bytes);
  if (form == TorrentForm::hybrid) out += "12:meta versioni2e";
  append_string(out, "name");
  append_string(out, name);
  append_string(out, "piece length");
  append_integer(out, hashes.piece_bytes);
  append_string(out, "pieces");
  append_string(out, hashes.sha1_pieces);
  out += 'e';
}

std::string info_dictionary(std::string_view path, std::int64_t size_bytes,
                            const FileHashes& hashes, TorrentForm form) {
  std::string out;
  append_info_dictionary(out, path, size_bytes, hashes, form);
  return out;
}

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
