// Debian's Mirrors.masterlist: stanzas of fields, as in control files (RFC 822 with continued
// lines).
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/ascii.h"
#include "core/path.h"
#include "moving/formats.h"

namespace mirror::moving {
namespace {

using Stanza = std::map<std::string, std::string, std::less<>>;

std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

class Fields {
 public:
  explicit Fields(const Stanza& stanza) : stanza_(stanza) {}
  std::string_view operator()(std::string_view name) const {
    const auto found = stanza_.find(lower(name));
    return found == stanza_.end() ? std::string_view() : std::string_view(found->second);
  }

 private:
  const Stanza& stanza_;
};

// "https", "ftp.example.org", "/debian/" as a URL.
std::string url_of(std::string_view scheme, std::string_view site, std::string_view path) {
  if (path.empty()) return "";
  if (path.find("://") != path.npos) return std::string(path);
  while (path.starts_with('/')) path.remove_prefix(1);
  return fmt::format("{}://{}/{}{}", scheme, site, path,
                     path.empty() || path.ends_with('/') ? "" : "/");
}

// "Jane Doe <jane@example.org>", or an address alone.
void set_admin(std::string_view maintainer, MovedMirror& mirror) {
  maintainer = maintainer.substr(0, maintainer.find('\n'));
  const std::size_t open = maintainer.find('<'), close = maintainer.find('>');
  if (open != maintainer.npos && close != maintainer.npos && close > open) {
    mirror.set("admin_name", maintainer.substr(0, open));
    mirror.set("admin_email", maintainer.substr(open + 1, close - open - 1));
  } else {
    mirror.set(maintainer.find('@') == maintainer.npos ? "admin_name" : "admin_email", maintainer);
  }
}

// "Example Ltd https://example.org".
void set_operator(std::string_view sponsor, MovedMirror& mirror) {
  sponsor = sponsor.substr(0, sponsor.find('\n'));
  const std::size_t url = sponsor.find("http");
  mirror.set("operator_name", sponsor.substr(0, url));
  if (url != sponsor.npos)
    mirror.set("operator_url", sponsor.substr(url, sponsor.find(' ', url) - url));
}

void add(const Stanza& stanza, std::string_view section, MovedMirrors& moved) {
  const Fields field(stanza);
  const std::string_view site = without_blanks(field("Site"));
  if (site.empty()) return;
  MovedMirror mirror;
  mirror.identifier = identifier_from(site);
  for (const char* const scheme : {"https", "http", "rsync", "ftp"})
    mirror.set_url(
        url_of(scheme, site, without_blanks(field(fmt::format("{}-{}", section, scheme)))));
  const bool for_clients = !mirror.value("http_url").empty() || !mirror.value("https_url").empty();
  if (!for_clients) {
    moved.left_out.push_back(fmt::format("{}: no {} by http or https", printable(site), section));
    return;
  }
  mirror.set("country", code_list(field("Country").substr(0, 2)));
  set_admin(field("Maintainer"), mirror);
  set_operator(field("Sponsor"), mirror);
  mirror.set("public_note", field("Comment"));
  if (lower(without_blanks(field("IPv6"))) == "yes") mirror.set_flag("ipv6", true);
  mirror.leave_out("Includes", field("Includes"));
  mirror.leave_out("Alias", field("Alias"));
  moved.mirrors.push_back(std::move(mirror));
}

}  // namespace

MovedMirrors read_masterlist(std::string_view text, std::string_view section) {
  MovedMirrors moved;
  Stanza stanza;
  std::string* last = nullptr;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = next_line(text);
    if (without_blanks(line).empty()) {
      add(stanza, section, moved);
      stanza.clear();
      last = nullptr;
      continue;
    }
    if (line.front() == ' ' || line.front() == '\t') {
      if (last == nullptr)
        throw FormatError(fmt::format("line {}: continues a field, but there is none", number));
      *last += fmt::format("\n{}", without_blanks(line));
      continue;
    }
    if (line.front() == '#') continue;
    const std::size_t colon = line.find(':');
    if (colon == line.npos)
      throw FormatError(fmt::format("line {}: is no field with a colon", number));
    last = &stanza[lower(line.substr(0, colon))];
    *last += fmt::format("{}{}", last->empty() ? "" : "\n", without_blanks(line.substr(colon + 1)));
  }
  add(stanza, section, moved);
  settle_identifiers(moved);
  return moved;
}

}  // namespace mirror::moving
