#include "core/info_dictionary.h"

#include "core/bencode.h"

namespace mirror {
namespace {

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

}  // namespace mirror
