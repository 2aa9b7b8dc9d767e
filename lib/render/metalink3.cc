// Metalink 3.0, for clients that know no other.
#include <algorithm>

#include "core/http_date.h"
#include "core/path.h"
#include "render/markup.h"
#include "render/representation.h"

namespace mirror {
namespace {

constexpr std::size_t kSha1Bytes = 20;
constexpr int kBestPreference = 100;
constexpr std::string_view kMirrorManager = "http://fedorahosted.org/mirrormanager";

class Metalink3 {
 public:
  Metalink3(std::string& out, const Subject& subject) : subject_(subject), xml_(out, Markup::xml) {}

  void write() {
    const std::string date = http_date(subject_.file.mtime_s);
    xml_.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml_.open("metalink", {{"version", "3.0"},
                           {"xmlns", "http://www.metalinker.org/"},
                           {"xmlns:mm0", subject_.former.empty() ? "" : kMirrorManager},
                           {"origin", subject_.own_url(Representation::metalink)},
                           {"type", "dynamic"},
                           {"pubdate", date},
                           {"generator", "mod_mirror"}});
    xml_.raw("\n");
    publisher();
    xml_.raw("  <files>\n    ").open("file", {{"name", subject_.name()}}).raw("\n");
    if (!subject_.former.empty()) timestamp("      ", subject_.file.mtime_s);
    xml_.raw("      ").element("size", std::to_string(subject_.file.size_bytes)).raw("\n");
    verification();
    alternates();
    resources();
    xml_.raw("    </file>\n  </files>\n</metalink>\n");
  }

 private:
  void publisher() {
    const auto& settings = subject_.settings;
    if (settings.publisher_name.empty() && settings.publisher_url.empty()) return;
    xml_.raw("  <publisher>");
    if (!settings.publisher_name.empty()) xml_.element("name", settings.publisher_name);
    if (!settings.publisher_url.empty()) xml_.element("url", settings.publisher_url);
    xml_.raw("</publisher>\n");
  }

  void verification() {
    const FileHashes& known = subject_.hashes;
    xml_.raw("      <verification>\n");
    hash("md5", known.md5);
    hash("sha1", known.sha1);
    hash("sha256", known.sha256);
    hash("sha512", known.sha512);
    pieces(known);
    if (const std::string signature = armoured_signature(known); !signature.empty()) {
      const std::string file = std::string(subject_.name()) +
                               (known.signature_kind == SignatureKind::sig ? ".sig" : ".asc");
      xml_.raw("        ")
          .element("signature", signature, {{"type", "pgp"}, {"file", file}})
          .raw("\n");
    }
    xml_.raw("      </verification>\n");
  }

  void hash(std::string_view type, std::string_view digest) {
    if (!digest.empty())
      xml_.raw("        ").open("hash", {{"type", type}}).hex(digest).close("hash").raw("\n");
  }

  void timestamp(std::string_view indent, std::int64_t mtime_s) {
    xml_.raw(indent).element("mm0:timestamp", std::to_string(mtime_s)).raw("\n");
  }

  // Former versions, in MirrorManager's form.
  void alternates() {
    if (subject_.former.empty()) return;
    xml_.raw("      <mm0:alternates>\n");
    for (const FormerVersion& version : subject_.former) {
      xml_.raw("       <mm0:alternate>\n");
      timestamp("        ", version.mtime_s);
      xml_.raw("        ").element("size", std::to_string(version.size_bytes)).raw("\n");
      xml_.raw("        <verification>\n");
      hash("md5", version.md5);
      hash("sha1", version.sha1);
      hash("sha256", version.sha256);
      hash("sha512", version.sha512);
      xml_.raw("        </verification>\n       </mm0:alternate>\n");
    }
    xml_.raw("      </mm0:alternates>\n");
  }

  void pieces(const FileHashes& known) {
    const std::string_view pieces = known.sha1_pieces;
    if (!subject_.has_pieces()) return;
    xml_.raw("        ")
        .open("pieces", {{"length", std::to_string(known.piece_bytes)}, {"type", "sha1"}})
        .raw("\n");
    for (std::size_t number = 0; number * kSha1Bytes < pieces.size(); ++number) {
      xml_.raw("          ").open("hash", {{"piece", std::to_string(number)}});
      xml_.hex(pieces.substr(number * kSha1Bytes, kSha1Bytes)).raw("</hash>\n");
    }
    xml_.raw("        </pieces>\n");
  }

  void resources() {
    xml_.raw("      <resources>\n");
    if (subject_.has(Representation::torrent))
      url("bittorrent", "", subject_.url(Representation::torrent));
    for (const Candidate& candidate : subject_.mirrors()) {
      const std::string location = country_location(candidate.country);
      for (const std::string_view base : subject_.bases(candidate)) {
        url(base.substr(0, base.find(':')), location, subject_.url_at(base));
        preference_ = std::max(preference_ - 1, 1);
      }
    }
    for (const std::string& last : subject_.last_resorts) {
      url(std::string_view(last).substr(0, last.find(':')), "", last);
      preference_ = std::max(preference_ - 1, 1);
    }
    if (subject_.settings.magnets_in_metalinks && subject_.has(Representation::magnet)) {
      std::string magnet;
      append_magnet(magnet, subject_);
      url("magnet", "", magnet);
    }
    xml_.raw("      </resources>\n");
  }

  void url(std::string_view type, std::string_view location, std::string_view url) {
    const std::string preference = std::to_string(preference_);
    xml_.raw("        ")
        .element("url", url, {{"type", type}, {"location", location}, {"preference", preference}})
        .raw("\n");
  }

  const Subject& subject_;
  MarkupWriter xml_;
  int preference_ =
      kBestPreference;  // 100 to 1, the best first; from the hundredth URL on all are 1
};

}  // namespace

void render_metalink3(std::string& out, const Subject& subject) { Metalink3(out, subject).write(); }

}  // namespace mirror
