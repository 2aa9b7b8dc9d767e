#include "core/url.h"

#include <algorithm>
#include <array>

#include "core/address.h"
#include "core/ascii.h"
#include "core/path.h"
#include "core/s3_url.h"
#include "core/utf8.h"

namespace mirror {
namespace {

constexpr std::size_t kMaxHostBytes = 253, kMaxLabelBytes = 63;  // RFC 1035 §2.3.4

constexpr std::string_view kToEscape = "it has a character that URLs write as an escape";
constexpr std::string_view kBadEscape =
    "it has a '%' without two hexadecimal digits after it, or %00; write a plain '%' as %25";

struct KindRule {
  std::array<std::string_view, 3> schemes;
  std::string_view wrong_scheme;
  bool is_base;
  bool takes_utf8;  // behind the host
};

const KindRule& rule_of(UrlKind kind) {
  static constexpr KindRule kHttp{{"http://"}, "it does not begin with http://", true, false};
  static constexpr KindRule kHttps{{"https://"}, "it does not begin with https://", true, false};
  static constexpr KindRule kWeb{
      {"http://", "https://"}, "it does not begin with http:// or https://", true, false};
  static constexpr KindRule kFtp{{"ftp://"}, "it does not begin with ftp://", true, false};
  static constexpr KindRule kFtpScan{
      {"ftp://", "ftps://"}, "it does not begin with ftp:// or ftps://", true, false};
  static constexpr KindRule kRsync{{"rsync://"}, "it does not begin with rsync://", false, true};
  static constexpr KindRule kPage{
      {"http://", "https://"}, "it does not begin with http:// or https://", false, true};
  static constexpr KindRule kTracker{{"http://", "https://", "udp://"},
                                     "it does not begin with http://, https:// or udp://",
                                     false,
                                     false};
  switch (kind) {
    case UrlKind::http_base:
      return kHttp;
    case UrlKind::https_base:
      return kHttps;
    case UrlKind::web_base:
      return kWeb;
    case UrlKind::ftp_base:
      return kFtp;
    case UrlKind::ftp_scan:
      return kFtpScan;
    case UrlKind::rsync:
      return kRsync;
    case UrlKind::s3:  // has rules of its own
    case UrlKind::page:
      return kPage;
    case UrlKind::tracker:
      return kTracker;
  }
  return kHttp;
}

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }
bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
bool is_letter(unsigned char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool is_hex(unsigned char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

bool one_of(unsigned char c, std::string_view set) {
  return set.find(static_cast<char>(c)) != set.npos;
}

// RFC 3986's pchar and '/', less '%'.
bool is_path_character(unsigned char c) {
  return is_letter(c) || is_digit(c) || one_of(c, "-._~!$&'()*+,;=:@/");
}

bool all(std::string_view text, bool (*holds)(unsigned char)) {
  return std::all_of(text.begin(), text.end(), holds);
}

// The character at the start of `text`, for a message.
std::string_view first_character(std::string_view text) {
  return text.substr(0, std::max<std::size_t>(1, first_code_point(text).length));
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabelBytes && label.front() != '-' &&
         label.back() != '-' && all(label, [](unsigned char c) {
           return is_letter(c) || is_digit(c) || c == '-' || c == '_';
         });
}

// Browsers read a name that ends so as an IPv4 address, in ways of their own (127.1, 0x7f000001).
bool ends_in_number(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (last.empty()) return false;
  if (last.starts_with("0x") || last.starts_with("0X")) return all(last.substr(2), is_hex);
  return all(last, is_digit);
}

UrlFault check_name(std::string_view host) {
  if (host.size() > kMaxHostBytes) return {"its host is longer than 253 bytes", {}};
  if (host.ends_with('.')) host.remove_suffix(1);
  if (ends_in_number(host)) {
    if (Address::parse(host)) return {};
    return {"it has no usable host and port: this is not an IPv4 address", host};
  }
  for (std::string_view rest = host;;) {
    const std::size_t dot = rest.find('.');
    if (!is_label(rest.substr(0, dot))) {
      return all(host, [](unsigned char c) { return c < 0x80; })
                 ? UrlFault{"it has no usable host and port: this is not a host name", host}
                 : UrlFault{"its host has characters that are not ASCII: write it as xn--…", host};
    }
    if (dot == rest.npos) return {};
    rest.remove_prefix(dot + 1);
  }
}

UrlFault check_ipv6(std::string_view bracketed) {
  constexpr std::string_view kNone = "it has no usable host and port: this is not an IPv6 address";
  const std::string_view host = bracketed.substr(1, bracketed.size() - 2);
  const bool plain = all(host, [](unsigned char c) { return is_hex(c) || c == ':'; });
  if (!plain || host.find(':') == host.npos || !Address::parse(host)) return {kNone, bracketed};
  return {};
}

UrlFault check_port(std::string_view port) {
  constexpr std::size_t kMostDigits = 5;
  unsigned number = 0;
  if (all(port, is_digit) && port.size() <= kMostDigits && !port.starts_with('0'))
    for (const char digit : port) number = number * 10 + static_cast<unsigned>(digit - '0');
  if (number >= 1 && number <= 65535) return {};
  return {"it has no usable host and port: ports go from 1 to 65535", port};
}

// Of what stands behind the host. `text` is the whole URL's rest.
UrlFault check_characters(std::string_view text, bool is_base, bool takes_utf8) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '?' || c == '#') {
      if (is_base) return {"it is not the URL of a folder", text.substr(i)};
    } else if (c == '%') {
      const std::string_view escape = text.substr(i, 3);
      if (takes_utf8) continue;  // for people, and checked by nobody
      if (escape.size() < 3 || !is_hex(escape[1]) || !is_hex(escape[2]) || escape == "%00")
        return {kBadEscape, escape};
    } else if (takes_utf8 ? c <= ' ' || c == 0x7f : !is_path_character(c)) {
      return {kToEscape, first_character(text.substr(i))};
    }
  }
  return {};
}

// Clients remove such segments before they send a request (RFC 3986 §5.2.4), also escaped ones.
UrlFault check_segments(std::string_view path) {
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    const std::string plain = percent_decode(segment).value_or("");
    if (plain == "." || plain == "..") return {"it has a segment '.' or '..'", segment};
    if (slash == path.npos) return {};
    path.remove_prefix(slash + 1);
  }
}

UrlFault check_base_path(std::string_view path) {
  if (const UrlFault fault = check_characters(path, true, false)) return fault;
  if (!path.ends_with('/')) return {"it does not end in '/'", {}};
  return check_segments(path);
}

// Of [USER@]HOST[:PORT] of a URL to scan. The user stays with us: no client sees this URL.
UrlFault check_scanned_host(std::string_view authority, std::string_view password_words) {
  if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
    const std::string_view user = authority.substr(0, at);
    if (user.find(':') != user.npos) return {password_words, {}};
    const bool visible = all(user, [](unsigned char c) { return c > ' ' && c != 0x7f; });
    if (user.empty() || user.starts_with('-') || !visible || user.find('@') != user.npos)
      return {"its user name cannot be used", user};
    authority.remove_prefix(at + 1);
  }
  return check_host_and_port(authority);
}

// Of `rest`, behind "rsync://".
UrlFault check_rsync(std::string_view rest) {
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view path = rest.substr(slash);
  constexpr std::string_view kPassword =
      "it has a password, which others could read: put it into a file, and name that in "
      "mb.toml with rsync_password_file, below [instance.NAME.mirror.\"MIRROR\"] (for a "
      "source: mb-scan --password-file)";
  if (const UrlFault fault = check_scanned_host(rest.substr(0, slash), kPassword)) return fault;
  if (std::any_of(path.begin(), path.end(), is_control)) return {"it has control characters", {}};
  if (path.find_first_not_of('/') == path.npos) return {"it has no module", {}};
  return {};
}

// Of `rest`, behind "ftp://" or "ftps://".
UrlFault check_ftp_scan(std::string_view rest) {
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  constexpr std::string_view kPassword =
      "it has a password, which others could read: put it into a file, and name that in "
      "mb.toml with ftp_password_file, below [instance.NAME.mirror.\"MIRROR\"]";
  if (const UrlFault fault = check_scanned_host(rest.substr(0, slash), kPassword)) return fault;
  return check_base_path(rest.substr(slash));
}

std::string escaped(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : bytes) out += {'%', kDigits[c >> 4], kDigits[c & 15]};
  return out;
}

// A URL in its parts, without the port that its scheme implies.
struct WebUrl {
  std::string_view scheme, host, path;
};

WebUrl parts_of(std::string_view url) {
  const std::size_t end = url.find("://");
  const std::size_t begin = end == url.npos ? url.size() : end + 3;
  const std::size_t slash = std::min(url.find('/', begin), url.size());
  WebUrl parts{url.substr(0, begin), url.substr(begin, slash - begin), url.substr(slash)};
  const std::string_view usual = parts.scheme == "https://" ? ":443" : ":80";
  if (parts.host.ends_with(usual)) parts.host.remove_suffix(usual.size());
  return parts;
}

bool same_host(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// Whether they differ within their hosts, which most URLs do at once: nothing else need be read.
// False where it takes more to tell.
bool begin_with_other_hosts(std::string_view a, std::string_view b) {
  constexpr std::size_t kLeastScheme = std::string_view("http://").size();
  const std::size_t most = std::min(a.size(), b.size());
  const auto alike = [](char x, char y) { return x == y || lower(x) == lower(y); };
  std::size_t same = 0;
  int slashes = 0;
  for (; same < most && alike(a[same], b[same]); ++same) slashes += a[same] == '/';
  const auto ends_host = [](char c) { return c == ':' || c == '/'; };
  return same >= kLeastScheme && same < most && slashes == 2 && !ends_host(a[same]) &&
         !ends_host(b[same]);
}

}  // namespace

std::string UrlFault::text() const {
  std::string out(words);
  if (part.empty()) return out;
  out.append(": '").append(printable(part)).append("'");
  if (words == kToEscape) out.append(" is ").append(escaped(part));
  return out;
}

UrlFault check_host_and_port(std::string_view authority) {
  const std::size_t close = authority.starts_with('[') ? authority.find(']') : authority.npos;
  const std::size_t end =
      close == authority.npos ? std::min(authority.find(':'), authority.size()) : close + 1;
  const std::string_view host = authority.substr(0, end), rest = authority.substr(end);
  if (std::count(rest.begin(), rest.end(), ':') > 1 && close == authority.npos)
    return {"it has no usable host and port: write an IPv6 address in brackets", authority};
  if (host.empty()) return {"it has no usable host and port: the host is missing", {}};
  if (const UrlFault fault = close == authority.npos ? check_name(host) : check_ipv6(host))
    return fault;
  if (rest.empty()) return {};
  if (!rest.starts_with(':'))
    return {"it has no usable host and port: ':' and a port follow the address", rest};
  return check_port(rest.substr(1));
}

UrlFault check_url(std::string_view url, UrlKind kind) {
  if (kind == UrlKind::s3) {
    S3Url unused;
    return read_s3_url(url, unused);
  }
  const KindRule& rule = rule_of(kind);
  const auto scheme = std::find_if(
      rule.schemes.begin(), rule.schemes.end(),
      [&](std::string_view known) { return !known.empty() && url.starts_with(known); });
  if (scheme == rule.schemes.end()) return {rule.wrong_scheme, {}};
  static_assert(kMaxUrlBytes == 2048);
  if (url.size() > kMaxUrlBytes) return {"it is longer than 2048 bytes", {}};
  const std::string_view rest = url.substr(scheme->size());
  if (kind == UrlKind::rsync) return check_rsync(rest);
  if (kind == UrlKind::ftp_scan) return check_ftp_scan(rest);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, end), path = rest.substr(end);
  if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
    const std::string_view user = authority.substr(0, std::min(at, authority.find(':')));
    return {"it has a user name, which all clients would see", user};
  }
  if (const UrlFault fault = check_host_and_port(authority)) return fault;
  return rule.is_base ? check_base_path(path) : check_characters(path, false, rule.takes_utf8);
}

std::string_view url_authority(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == url.npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  return url.substr(url.rfind('@') + 1);  // npos + 1 is 0
}

std::string_view url_host(std::string_view url) {
  const std::string_view authority = url_authority(url);
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

std::string without_password(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == url.npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find('/', begin), url.size());
  const std::size_t at = url.substr(0, end).rfind('@');
  const std::size_t colon = url.find(':', begin);
  if (at == url.npos || at < begin || colon >= at) return std::string(url);
  return std::string(url.substr(0, colon + 1)).append("***").append(url.substr(at));
}

bool same_url(std::string_view a, std::string_view b) {
  if (begin_with_other_hosts(a, b)) return false;
  const WebUrl left = parts_of(a), right = parts_of(b);
  return left.scheme == right.scheme && left.path == right.path && same_host(left.host, right.host);
}

bool is_below(std::string_view url, std::string_view folder) {
  const WebUrl inner = parts_of(url), outer = parts_of(folder);
  return same_host(inner.host, outer.host) && inner.path.starts_with(outer.path);
}

}  // namespace mirror
