// Metalink 4 (RFC 5854).
#include <array>

#include "core/http_date.h"
#include "core/path.h"
#include "render/markup.h"
#include "render/representation.h"

namespace mirror {
namespace {

constexpr std::size_t kSha1Bytes = 20;

class Meta4 {
 public:
  Meta4(std::string& out, const Subject& subject) : subject_(subject), xml_(out, Markup::xml) {}

  void write() {
    const std::string updated = utc_timestamp(subject_.file.mtime_s);
    xml_.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml_.open("metalink", {{"xmlns", "urn:ietf:params:xml:ns:metalink"}}).raw("\n");
    xml_.raw("  ").element("generator", "mod_mirror").raw("\n");
    xml_.raw("  ")
        .element("origin", subject_.own_url(Representation::meta4), {{"dynamic", "true"}})
        .raw("\n");
    xml_.raw("  ").element("published", updated).raw("\n");
    xml_.raw("  ").element("updated", updated).raw("\n");
    xml_.raw("  ").open("file", {{"name", subject_.name()}}).raw("\n");
    publisher();
    xml_.raw("    ").element("size", std::to_string(subject_.file.size_bytes)).raw("\n");
    hashes();
    pieces();
    if (const std::string signature = armoured_signature(subject_.hashes); !signature.empty()) {
      xml_.raw("    ")
          .element("signature", signature, {{"mediatype", "application/pgp-signature"}})
          .raw("\n");
    }
    urls();
    xml_.raw("  ").close("file").raw("\n").close("metalink").raw("\n");
  }

 private:
  void publisher() {
    const auto& settings = subject_.settings;
    if (settings.publisher_name.empty()) return;  // the name is required (§4.2.9)
    const std::array<std::pair<std::string_view, std::string_view>, 2> attributes = {
        {{"name", settings.publisher_name}, {"url", settings.publisher_url}}};
    xml_.raw("    ").open("publisher", {attributes[0], attributes[1]}).close("publisher").raw("\n");
  }

  void hashes() {
    const FileHashes& known = subject_.hashes;
    hash("md5", known.md5);
    hash("sha-1", known.sha1);
    hash("sha-256", known.sha256);
    hash("sha-512", known.sha512);
  }

  void hash(std::string_view type, std::string_view digest) {
    if (!digest.empty())
      xml_.raw("    ").open("hash", {{"type", type}}).hex(digest).close("hash").raw("\n");
  }

  void pieces() {
    const std::string_view pieces = subject_.hashes.sha1_pieces;
    if (!subject_.has_pieces()) return;
    xml_.raw("    ")
        .open("pieces",
              {{"type", "sha-1"}, {"length", std::to_string(subject_.hashes.piece_bytes)}})
        .raw("\n");
    for (std::size_t at = 0; at < pieces.size(); at += kSha1Bytes) {
      xml_.raw("      <hash>").hex(pieces.substr(at, kSha1Bytes)).raw("</hash>\n");
    }
    xml_.raw("    ").close("pieces").raw("\n");
  }

  // Each mirror by every scheme that the client may use.
  void urls() {
    if (subject_.has(Representation::torrent)) {
      xml_.raw("    ").element("metaurl", subject_.url(Representation::torrent),
                               {{"mediatype", "torrent"}, {"priority", "1"}});
      xml_.raw("\n");
    }
    int priority = 0;
    for (const Candidate& candidate : subject_.mirrors()) {
      for (const std::string_view base : subject_.bases(candidate))
        url(candidate, base, ++priority);
    }
    for (const std::string& last : subject_.last_resorts)
      xml_.raw("    ").element("url", last, {{"priority", std::to_string(++priority)}}).raw("\n");
    if (!subject_.settings.magnets_in_metalinks || !subject_.has(Representation::magnet)) return;
    std::string magnet;
    append_magnet(magnet, subject_);
    xml_.raw("    ").element("url", magnet, {{"priority", std::to_string(++priority)}}).raw("\n");
  }

  void url(const Candidate& candidate, std::string_view base, int priority) {
    const std::string location = country_location(candidate.country);
    const std::string number = std::to_string(priority);
    xml_.raw("    ")
        .element("url", subject_.url_at(base), {{"location", location}, {"priority", number}})
        .raw("\n");
  }

  const Subject& subject_;
  MarkupWriter xml_;
};

}  // namespace

void render_meta4(std::string& out, const Subject& subject) { Meta4(out, subject).write(); }

}  // namespace mirror
