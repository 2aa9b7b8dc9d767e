// The page for people: the file, where the client seems to be, and the mirrors by tier. Works
// without JavaScript.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "core/http_date.h"
#include "core/path.h"
#include "core/readable.h"
#include "core/url.h"
#include "render/markup.h"
#include "render/mirror_list_style.h"
#include "render/representation.h"

namespace mirror {
namespace {

using R = Representation;

constexpr std::string_view kFooter =
    "<footer><p>Each of these mirrors has exactly this version of the file.</p></footer>";

std::string size_text(std::int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  double size = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; size >= 999.5 && unit + 1 < kUnits.size(); ++unit) size /= 1000;
  return fmt::format("{:.{}f} {} ({} bytes)", size, size < 9.95 ? 1 : 0, kUnits[unit],
                     grouped(bytes));
}

std::string_view region_name(Region region) {
  switch (region) {
    case Region::AF:
      return "Africa";
    case Region::AN:
      return "Antarctica";
    case Region::AS:
      return "Asia";
    case Region::EU:
      return "Europe";
    case Region::NA:
      return "North America";
    case Region::OC:
      return "Oceania";
    case Region::SA:
      return "South America";
    case Region::unknown:
      break;
  }
  return "";
}

std::string place_of(CountryCode country) {
  if (country.everyone()) return "Worldwide";
  const std::string_view name = name_of(country);
  return std::string(name.empty() ? country.text() : name);
}

class Page {
 public:
  Page(std::string& out, const Subject& subject) : subject_(subject), html_(out, Markup::html) {}

  void write() {
    head();
    const auto& settings = subject_.settings;
    if (settings.page_header) {
      html_.raw(*settings.page_header).raw("\n");
    } else if (!settings.publisher_name.empty()) {
      html_.raw("<header><p>");
      link(settings.publisher_url, settings.publisher_name);
      html_.raw("</p></header>\n");
    }
    html_.raw("<main>\n");
    file();
    hashes();
    mirrors();
    html_.raw("</main>\n");
    html_.raw(settings.page_footer.value_or(subject_.mirrors().empty() ? "" : kFooter));
    html_.raw("\n</body>\n</html>\n");
  }

 private:
  void head() {
    html_.raw(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"robots\" content=\"noindex\">\n<title>Mirrors of ");
    html_.text(subject_.name()).raw("</title>\n");
    if (subject_.settings.style_sheet.empty()) {
      html_.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<style>")
          .raw(kMirrorListStyle)
          .raw("</style>\n");
    } else {
      html_.open("link", {{"rel", "stylesheet"}, {"href", subject_.settings.style_sheet}})
          .raw("\n");
    }
    html_.raw("</head>\n<body>\n");
  }

  void link(std::string_view url, std::string_view text) {
    if (url.empty()) {
      html_.text(text);
    } else {
      html_.element("a", text, {{"href", url}});
    }
  }

  void file() {
    const std::string changed = utc_timestamp(subject_.file.mtime_s);
    html_.raw("<h1>")
        .element("bdi", subject_.name())
        .raw("</h1>\n<p class=\"facts\">")
        .text(size_text(subject_.file.size_bytes));
    html_.raw(" · last changed ")
        .element("time", changed.substr(0, 10), {{"datetime", changed}})
        .raw("</p>\n");
    html_.raw("<section class=\"card\">\n");
    best();
    representations();
    html_.raw("</section>\n");
  }

  void best() {
    const auto mirrors = subject_.mirrors();
    if (mirrors.empty()) {
      html_.raw("<p>At present no mirror that may serve you has this version of the file.</p>\n");
      if (!subject_.last_resorts.empty()) download_from(subject_.last_resorts.front());
      return;
    }
    const std::string url = subject_.mirror_url(mirrors.front());
    const CountryCode country = mirrors.front().country;
    const bool somewhere = !country.everyone() && country.known();
    download_from(url, somewhere ? place_of(country) : "");
  }

  void download_from(const std::string& url, const std::string& place = "") {
    html_.raw("<p class=\"best\">").element("a", "Download", {{"class", "button"}, {"href", url}});
    html_.raw(" <span class=\"soft\">from ").text(url_authority(url));
    if (!place.empty()) html_.raw(", ").text(place);
    html_.raw("</span></p>\n");
  }

  void representations() {
    static constexpr std::pair<R, std::string_view> kNames[] = {
        {R::torrent, "Torrent"},        {R::magnet, "Magnet link"}, {R::meta4, "Metalink"},
        {R::metalink, "Metalink 3"},    {R::zsync, "zsync"},        {R::json, "JSON"},
        {R::text, "Plain list of URLs"}};
    html_.raw("<p class=\"soft\">For torrent clients, download managers and scripts:</p>\n");
    html_.raw("<ul class=\"forms\">\n");
    for (const auto& [which, name] : kNames) {
      if (subject_.has(which))
        html_.raw("<li>").element("a", name, {{"href", address(which)}}).raw("</li>\n");
    }
    html_.raw("<li>")
        .element("a", "Permanent link", {{"href", subject_.url()}})
        .raw("</li>\n</ul>\n");
  }

  // A magnet is followed itself, everything else is fetched.
  std::string address(R which) const {
    if (which != R::magnet) return subject_.url(which);
    std::string magnet;
    append_magnet(magnet, subject_);
    return magnet;
  }

  void hashes() {
    const FileHashes& known = subject_.hashes;
    if (!known.has_digest()) return;
    html_.raw("<details class=\"card\">\n<summary>Checksums</summary>\n<dl>\n");
    hash(R::sha256, "SHA-256", known.sha256);
    hash(R::sha512, "SHA-512", known.sha512);
    hash(R::sha1, "SHA-1", known.sha1);
    hash(R::md5, "MD5", known.md5);
    const bool hybrid = subject_.settings.torrent_form == TorrentForm::hybrid;
    if (subject_.has(R::btih))
      hash(R::btih, "BitTorrent info hash", hybrid ? known.btih : known.btih_v1);
    html_.raw("</dl>\n</details>\n");
  }

  void hash(R which, std::string_view name, std::string_view digest) {
    if (digest.empty()) return;
    html_.raw("<dt>");
    link(subject_.has(which) ? subject_.url(which) : "", name);
    html_.raw("</dt><dd><code>").hex(digest).raw("</code></dd>\n");
  }

  void mirrors() {
    const auto mirrors = subject_.mirrors();
    if (mirrors.empty()) return;
    html_.raw("<p class=\"facts\">").text(client_text()).raw("</p>\n");
    avoided();
    for (std::size_t at = 0; at < mirrors.size();) {
      const Tier tier = mirrors[at].tier;
      html_.raw("<section class=\"card\">\n").element("h2", tier_text(tier)).raw("\n<ol>\n");
      for (; at < mirrors.size() && mirrors[at].tier == tier; ++at) mirror(mirrors[at]);
      html_.raw("</ol>\n</section>\n");
    }
    last_resorts();
  }

  void last_resorts() {
    if (subject_.last_resorts.empty()) return;
    html_.raw("<section class=\"card\">\n<h2>If no mirror works</h2>\n<ol>\n");
    for (const std::string& url : subject_.last_resorts) {
      html_.raw("<li><span class=\"host\">").element("a", url_authority(url), {{"href", url}});
      html_.raw("</span></li>\n");
    }
    html_.raw("</ol>\n</section>\n");
  }

  void avoided() {
    if (subject_.avoided.empty()) return;
    html_.raw("<p class=\"facts\">Left out, as this address asks: ");
    html_.text(fmt::format("{}", fmt::join(subject_.avoided, ", "))).raw("</p>\n");
  }

  std::string client_text() const {
    const Client& client = subject_.client;
    std::string where(name_of(client.country));
    if (const auto region = region_name(client.region); !region.empty()) {
      where = where.empty() ? std::string(region) : fmt::format("{} ({})", where, region);
    }
    std::string network = client.asn == 0 ? "" : fmt::format("the network AS{}", client.asn);
    if (!network.empty() && !client.as_name.empty()) network += " (" + client.as_name + ")";
    if (where.empty() && network.empty())
      return "Where you are is not known, so these are the mirrors in no particular order.";
    if (!where.empty() && !network.empty()) where += ", in ";
    return fmt::format("You seem to be in {}{}. The mirrors that suit you best come first.", where,
                       network);
  }

  std::string tier_text(Tier tier) const {
    const std::string_view country = name_of(subject_.client.country);
    switch (tier) {
      case Tier::prefix:
        return "In your network";
      case Tier::as:
        return "At your provider";
      case Tier::country:
        return country.empty() ? "In your country" : fmt::format("In {}", country);
      case Tier::other_country:
        return country.empty() ? "For your country" : fmt::format("For {}", country);
      case Tier::far:
        break;
    }
    return subject_.mirrors().front().tier == Tier::far ? "Mirrors" : "Elsewhere";
  }

  void mirror(const Candidate& candidate) {
    const Mirror& mirror = *candidate.mirror;
    const std::string url = subject_.mirror_url(candidate);
    html_.raw("<li><span class=\"host\">").element("a", url_authority(url), {{"href", url}});
    const auto bases = subject_.bases(candidate);
    for (std::size_t i = 1; i < bases.size(); ++i) {
      html_.raw(" ").element("a", "https",
                             {{"class", "also"}, {"href", subject_.url_at(bases[i])}});
    }
    html_.raw("</span>");
    detail("where", place_of(candidate.country));
    if (std::isfinite(candidate.distance_km))
      detail("far", grouped(std::llround(candidate.distance_km)) + " km");
    operator_of(mirror);
    html_.raw("</li>\n");
  }

  void detail(std::string_view what, std::string_view text) {
    if (!text.empty()) html_.raw(" ").element("span", text, {{"class", what}});
  }

  void operator_of(const Mirror& mirror) {
    const std::string_view name =
        mirror.operator_name.empty() ? url_authority(mirror.operator_url) : mirror.operator_name;
    if (name.empty()) return;
    html_.raw(" <span class=\"by\">");
    link(mirror.operator_url, name);
    html_.raw("</span>");
  }

  const Subject& subject_;
  MarkupWriter html_;
};

}  // namespace

void render_mirror_list_html(std::string& out, const Subject& subject) {
  Page(out, subject).write();
}

}  // namespace mirror
