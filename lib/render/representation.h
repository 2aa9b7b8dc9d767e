// What may be had of a file besides its bytes: one table, from which suffixes, query words, headers
// and rendering are driven. Adding a representation is one line there and a file of its own. Pure;
// all of it reads the one ranked list.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/hashes.h"
#include "core/info_dictionary.h"
#include "core/model.h"
#include "core/path.h"
#include "rank/rank.h"

namespace mirror {

enum class Representation : std::uint8_t {
  meta4,
  metalink,
  torrent,
  magnet,
  zsync,
  md5,
  sha1,
  sha256,
  sha512,
  btih,
  mirrorlist,
  json,
  text,
};
inline constexpr std::size_t kRepresentations = 13;
using RepresentationSet = std::bitset<kRepresentations>;

struct Repository;

struct DhtNode {
  std::string host;
  int port = 0;
};
using TrackerTier =
    std::vector<std::string>;  // URLs that are tried before the next tier's (BEP 12)

// What directives say about them. Views and spans point into the configuration, which outlives
// every request.
struct RepresentationSettings {
  RepresentationSet off;
  std::string_view publisher_name, publisher_url;  // "": not told
  std::span<const TrackerTier> trackers;
  std::span<const DhtNode> dht_nodes;
  TorrentForm torrent_form = TorrentForm::hybrid;
  bool magnets_in_metalinks = false;
  bool suppress_filenames = false;  // .md5 and the like hold the digest only
  int max_mirrors = 0;              // in every list; 0: all
  int repository_near = 0;          // see leave_out_far()
  std::string_view style_sheet;     // URL; "": the built-in style
  std::optional<std::string_view> page_header, page_footer;  // HTML in place of the built-in ones
};

// What a representation is rendered from. References outlive the rendering.
struct Subject {
  const File& file;
  const FileHashes& hashes;
  std::span<const Candidate> ranked;  // best first
  const Client& client;               // as the query wants it seen
  bool https = false;                 // such clients get no http URLs
  std::string_view tree_url;          // this server's URL of the tree's root; ends in '/'
  const RepresentationSettings& settings;
  const Repository* repository =
      nullptr;  // the list is one of its mirrors, and nothing else may be had
  // URLs of the file (or of the repository's directory) where no mirror helps, best first; lists
  // end with them.
  std::span<const std::string> last_resorts = {};
  bool http_only = false;                      // the client wants no https URLs
  std::span<const std::string> avoided = {};   // identifiers of mirrors that it wants left out
  std::span<const FormerVersion> former = {};  // which clients may take as well, for Metalink 3
  // The file's path below tree_url; where the views are equal it is file.path itself.
  const std::string_view own_path = file.path;
  const std::string url_path = mirror::url_path(file.path);  // as it stands in mirrors' URLs

  std::string_view name() const;  // the path's last segment
  // The URL of the file here, and of a representation of it.
  void append_url(std::string& out) const;
  void append_url(std::string& out, Representation which) const;
  std::string url() const;
  std::string url(Representation which) const;
  std::span<const Candidate> mirrors() const;       // best first, no more than the settings allow
  std::string url_at(std::string_view base) const;  // of the file below a mirror's base
  std::vector<std::string_view> bases(
      const Candidate& candidate) const;  // all that this client may use, the best first
  std::string mirror_url(
      const Candidate& candidate) const;  // of the file there, in the client's scheme
  // The last resorts for formats whose clients take any of the URLs, or all at once: only where
  // there is no mirror, so that their load does not come here.
  std::span<const std::string> sole_resorts() const;
  bool has_url() const { return !ranked.empty() || !last_resorts.empty(); }
  std::string listed_url(
      const Candidate& candidate) const;            // the same, or the repository's directory there
  std::string own_url(Representation which) const;  // of the representation that is being rendered
  bool has_pieces() const;                          // all of them, and no more, have been read
  bool has(Representation which) const;  // whether it is on and nothing is missing for it
};

struct RepresentationInfo {
  Representation id;
  std::string_view name;  // suffix and query word
  bool by_suffix;         // else by the query only
  std::string_view content_type;
  bool attachment;     // for a program, not to be shown
  bool lists_mirrors;  // differs from client to client
  bool needs_mirror;   // says nothing without one
  HashParts parts;     // what it is made from
  // What it needs to know of the file and does not: "" when nothing is missing.
  std::string_view (*missing)(const FileHashes& hashes, std::int64_t size_bytes, TorrentForm form);
  std::size_t (*size_hint)(
      const Subject& subject);  // at least what render() writes, in nearly all cases
  void (*render)(std::string& out, const Subject& subject);
  // Of what follows render()'s text, and is sent as it is stored: zsync's sums. 0: nothing does.
  std::int64_t (*rest_bytes)(const FileHashes& hashes, std::int64_t size_bytes) = nullptr;
};

const RepresentationInfo& info_of(Representation which);
std::optional<Representation> representation_by_name(
    std::string_view name);  // RepresentationInfo::name
std::optional<Representation> representation_by_word(std::string_view word,
                                                     std::string_view value = {});  // of a query

// "a.iso.meta4" is "a.iso" as meta4; nullopt for other paths.
struct Suffixed {
  std::string_view path;
  Representation which{};
};
std::optional<Suffixed> split_suffix(std::string_view path);

// The whole body but for the rest, in one buffer that is reserved before the first byte is written.
std::string render(const RepresentationInfo& info, const Subject& subject);

void render_meta4(std::string& out, const Subject& subject);
void render_metalink3(std::string& out, const Subject& subject);
void render_torrent(std::string& out, const Subject& subject);
void render_magnet(std::string& out, const Subject& subject);
void render_zsync(std::string& out, const Subject& subject);
void render_mirror_list_html(std::string& out, const Subject& subject);
void render_mirror_list_json(std::string& out, const Subject& subject);
void render_mirror_list_text(std::string& out, const Subject& subject);
// md5sum's format: the digest, two spaces, the name; with a backslash in front where the name has
// one escaped.
void render_hash_line(std::string& out, const Subject& subject, std::string_view digest);

// The magnet URI itself; also for Metalinks.
void append_magnet(std::string& out, const Subject& subject);
// An ASCII-armoured OpenPGP signature (RFC 4880 §6.2) of either kind; "" when there is none, or
// none of OpenPGP's.
std::string armoured_signature(const FileHashes& hashes);

}  // namespace mirror
