#include "core/torrent.h"

#include <fmt/format.h>

namespace mirror {
namespace {

void append_string(std::string& out, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "{}:", text.size());
  out += text;
}

void append_integer(std::string& out, std::int64_t number) { fmt::format_to(std::back_inserter(out), "i{}e", number); }

void append_file_tree(std::string& out, std::string_view name, std::int64_t size_bytes, const FileHashes& hashes) {
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

}  // namespace

std::string info_dictionary(std::string_view path, std::int64_t size_bytes, const FileHashes& hashes, TorrentForm form) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  std::string out = "d";  // keys in the order of their bytes, as BEP 3 demands
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
  return out += 'e';
}

}  // namespace mirror
