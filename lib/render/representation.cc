#include "render/representation.h"

#include <algorithm>
#include <array>

#include "core/path.h"
#include "render/repository.h"

namespace mirror {
namespace {

using R = Representation;
using Parts = HashParts;

std::string_view missing_nothing(const FileHashes&, std::int64_t, TorrentForm) { return ""; }

template <auto Digest>
std::string_view missing_digest(const FileHashes& hashes, std::int64_t, TorrentForm) {
  return (hashes.*Digest).empty() ? "it has not been hashed with this algorithm" : "";
}

std::size_t pieces_of(const FileHashes& hashes, std::int64_t size_bytes) {
  return static_cast<std::size_t>((size_bytes + hashes.piece_bytes - 1) / hashes.piece_bytes);
}

// Everything that a torrent is made of; a torrent with anything else in it would be another
// torrent, or none.
std::string_view missing_torrent(const FileHashes& hashes, std::int64_t size_bytes,
                                 TorrentForm form) {
  constexpr std::string_view kNoPieces = "its pieces have not been hashed";
  if (size_bytes <= 0) return "an empty file has no torrent";
  if (hashes.piece_bytes <= 0) return kNoPieces;
  const std::size_t pieces = pieces_of(hashes, size_bytes);
  if (hashes.size_of_pieces() != pieces * 20) return kNoPieces;
  if (form == TorrentForm::v1) return hashes.btih_v1.size() != 20 ? kNoPieces : "";
  if (hashes.btih.size() != 20 || hashes.btmh.size() != 32 || hashes.pieces_root.size() != 32)
    return kNoPieces;
  return hashes.size_of_layer() != (pieces > 1 ? pieces * 32 : 0) ? kNoPieces : "";
}

std::string_view missing_zsync(const FileHashes& hashes, std::int64_t size_bytes, TorrentForm) {
  // The sums themselves are whole when they are there at all (db/hash/known_hashes.h).
  constexpr std::string_view kNoSums = "its zsync sums have not been computed";
  return hashes.zsync.block_bytes <= 0 || hashes.sha1.empty() || size_bytes <= 0 ? kNoSums : "";
}

std::int64_t zsync_rest(const FileHashes& hashes, std::int64_t size_bytes) {
  return zsync_sums_bytes(hashes.zsync, size_bytes);
}

template <auto Digest>
void render_digest(std::string& out, const Subject& subject) {
  render_hash_line(out, subject, subject.hashes.*Digest);
}

void render_btih(std::string& out, const Subject& subject) {
  const bool hybrid = subject.settings.torrent_form == TorrentForm::hybrid;
  render_hash_line(out, subject, hybrid ? subject.hashes.btih : subject.hashes.btih_v1);
}

std::size_t constant_bytes(const Subject& subject) {
  const auto& settings = subject.settings;
  std::size_t bytes = 2048 + 8 * subject.file.path.size() * 3 + 8 * subject.tree_url.size() +
                      2 * subject.hashes.signature.size() +
                      6 * (settings.publisher_name.size() + settings.publisher_url.size());
  for (const TrackerTier& tier : settings.trackers) {
    for (const std::string& tracker : tier) bytes += 3 * tracker.size() + 16;
  }
  for (const DhtNode& node : settings.dht_nodes) bytes += node.host.size() + 32;
  return bytes;
}

// A mirror's share of a list: what its URLs take at most (a path's byte takes three), and what
// stands around them.
std::size_t mirrors_bytes(const Subject& subject, std::size_t around) {
  std::size_t bytes = 0;
  for (const Candidate& candidate : subject.mirrors()) {
    const Mirror& mirror = *candidate.mirror;
    bytes += mirror.http_url.size() + mirror.https_url.size() + mirror.identifier.size() +
             mirror.operator_name.size() + mirror.operator_url.size() +
             6 * subject.file.path.size() + around;
  }
  for (const std::string& url : subject.last_resorts) bytes += url.size() + around;
  return bytes;
}

std::size_t line_hint(const Subject& subject) { return 256 + 3 * subject.file.path.size(); }
std::size_t list_hint(const Subject& subject) {
  return constant_bytes(subject) + mirrors_bytes(subject, 8);
}
std::size_t metalink_hint(const Subject& subject) {
  constexpr std::size_t kFormerVersionBytes = 700;
  return constant_bytes(subject) + mirrors_bytes(subject, 160) +
         subject.hashes.sha1_pieces.size() / 20 * 80 + subject.former.size() * kFormerVersionBytes;
}
std::size_t torrent_hint(const Subject& subject) {
  return constant_bytes(subject) + mirrors_bytes(subject, 16) + subject.hashes.sha1_pieces.size() +
         subject.hashes.piece_layer.size();
}
std::size_t magnet_hint(const Subject& subject) {
  return constant_bytes(subject) + mirrors_bytes(subject, 8) * 3;
}
std::size_t html_hint(const Subject& subject) {
  const auto& settings = subject.settings;
  return 8192 + constant_bytes(subject) * 2 + mirrors_bytes(subject, 640) +
         settings.page_header.value_or("").size() + settings.page_footer.value_or("").size();
}
std::size_t json_hint(const Subject& subject) {
  return constant_bytes(subject) * 2 + mirrors_bytes(subject, 400);
}

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::array<RepresentationInfo, kRepresentations> kTable = {{
    // id, name, by suffix, type, attachment, lists mirrors, needs one, made from, what is missing,
    // size, renderer, rest
    {R::meta4, "meta4", true, "application/metalink4+xml", true, true, true, Parts::pieces,
     missing_nothing, metalink_hint, render_meta4},
    {R::metalink, "metalink", true, "application/metalink+xml", true, true, true, Parts::pieces,
     missing_nothing, metalink_hint, render_metalink3},
    {R::torrent, "torrent", true, "application/x-bittorrent", true, true, false, Parts::pieces,
     missing_torrent, torrent_hint, render_torrent},
    {R::magnet, "magnet", true, kText, false, true, false, Parts::digests, missing_torrent,
     magnet_hint, render_magnet},
    {R::zsync, "zsync", true, "application/x-zsync", true, true, true, Parts::digests,
     missing_zsync, list_hint, render_zsync, zsync_rest},
    {R::md5, "md5", true, kText, false, false, false, Parts::digests,
     missing_digest<&FileHashes::md5>, line_hint, render_digest<&FileHashes::md5>},
    {R::sha1, "sha1", true, kText, false, false, false, Parts::digests,
     missing_digest<&FileHashes::sha1>, line_hint, render_digest<&FileHashes::sha1>},
    {R::sha256, "sha256", true, kText, false, false, false, Parts::redirect,
     missing_digest<&FileHashes::sha256>, line_hint, render_digest<&FileHashes::sha256>},
    {R::sha512, "sha512", true, kText, false, false, false, Parts::digests,
     missing_digest<&FileHashes::sha512>, line_hint, render_digest<&FileHashes::sha512>},
    {R::btih, "btih", true, kText, false, false, false, Parts::digests, missing_torrent, line_hint,
     render_btih},
    {R::mirrorlist, "mirrorlist", true, "text/html; charset=utf-8", false, true, false,
     Parts::digests, missing_nothing, html_hint, render_mirror_list_html},
    {R::json, "json", false, "application/json", false, true, false, Parts::digests,
     missing_nothing, json_hint, render_mirror_list_json},
    {R::text, "text", false, kText, false, true, true, Parts::redirect, missing_nothing, list_hint,
     render_mirror_list_text},
}};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].id) != i) return false;
  }
  return true;
}
static_assert(is_in_order());

}  // namespace

const RepresentationInfo& info_of(Representation which) {
  return kTable[static_cast<std::size_t>(which)];
}

std::optional<Representation> representation_by_name(std::string_view name) {
  const auto found = std::find_if(kTable.begin(), kTable.end(),
                                  [&](const auto& info) { return info.name == name; });
  return found == kTable.end() ? std::nullopt : std::optional(found->id);
}

std::optional<Representation> representation_by_word(std::string_view word,
                                                     std::string_view value) {
  const auto found = representation_by_name(word);
  if (!found || *found == R::text) return std::nullopt;
  if (*found != R::mirrorlist) return *found;
  return value == "text" ? R::text : value == "json" ? R::json : R::mirrorlist;
}

std::optional<Suffixed> split_suffix(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == path.npos || dot == 0 || path[dot - 1] == '/') return std::nullopt;
  const auto which = representation_by_word(path.substr(dot + 1));
  if (!which || !info_of(*which).by_suffix) return std::nullopt;
  return Suffixed{path.substr(0, dot), *which};
}

std::string render(const RepresentationInfo& info, const Subject& subject) {
  std::string out;
  out.reserve(info.size_hint(subject));
  info.render(out, subject);
  return out;
}

std::string_view Subject::name() const {
  return std::string_view(file.path).substr(file.path.rfind('/') + 1);
}

std::string Subject::url_at(std::string_view base) const { return std::string(base) += url_path; }

void Subject::append_url(std::string& out) const {
  out += tree_url;
  const bool same = own_path.data() == file.path.data() && own_path.size() == file.path.size();
  if (same) {
    out += url_path;
  } else {
    append_url_path(out, own_path);
  }
}

void Subject::append_url(std::string& out, Representation which) const {
  append_url(out);
  if (which == R::json) {
    out += "?json";
  } else if (which == R::text) {
    out += "?mirrorlist=text";
  } else {
    out.append(".").append(info_of(which).name);
  }
}

std::string Subject::url() const {
  std::string url;
  append_url(url);
  return url;
}

std::string Subject::url(Representation which) const {
  std::string url;
  append_url(url, which);
  return url;
}

std::span<const Candidate> Subject::mirrors() const {
  const auto most = static_cast<std::size_t>(std::max(settings.max_mirrors, 0));
  return most == 0 || most >= ranked.size() ? ranked : ranked.first(most);
}

std::vector<std::string_view> Subject::bases(const Candidate& candidate) const {
  auto bases = usable_bases(*candidate.mirror, https, client.address.family);
  if (http_only) std::erase_if(bases, [](auto base) { return base.starts_with("https:"); });
  return bases;
}

std::span<const std::string> Subject::sole_resorts() const {
  return ranked.empty() ? last_resorts : std::span<const std::string>();
}

std::string Subject::mirror_url(const Candidate& candidate) const {
  return url_at(base_url(*candidate.mirror, https, client.address.family));
}

std::string Subject::listed_url(const Candidate& candidate) const {
  if (repository == nullptr) return mirror_url(candidate);
  return file_url(base_url(*candidate.mirror, https, client.address.family),
                  repository->real_directory(file.path));
}

std::string Subject::own_url(Representation which) const {
  return repository == nullptr ? url(which) : repository->url;
}

bool Subject::has_pieces() const {
  return hashes.piece_bytes > 0 && !hashes.sha1_pieces.empty() &&
         hashes.sha1_pieces.size() == pieces_of(hashes, file.size_bytes) * 20;
}

bool Subject::has(Representation which) const {
  if (repository != nullptr) return which == repository->form;
  if (settings.off.test(static_cast<std::size_t>(which))) return false;
  const RepresentationInfo& info = info_of(which);
  if (info.needs_mirror && !has_url()) return false;
  return info.missing(hashes, file.size_bytes, settings.torrent_form).empty();
}

}  // namespace mirror
