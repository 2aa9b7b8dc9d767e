#include "scanner/web/href.h"

#include <algorithm>

#include "core/path.h"
#include "core/url.h"

namespace mirror::scanner::web {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 3986 §3.1: what stands before a colon may be a scheme.
bool has_scheme(std::string_view href) {
  const std::size_t colon = href.find_first_of(":/?#");
  if (colon == href.npos || href[colon] != ':' || colon == 0 || !is_letter(href[0])) return false;
  return std::all_of(href.begin(), href.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

// The path of a URL from its slash on.
std::string_view path_of(std::string_view url) {
  const std::size_t host = url.find("://");
  const std::size_t slash = host == url.npos ? url.npos : url.find('/', host + 3);
  return slash == url.npos ? std::string_view("/") : url.substr(slash);
}

bool same_host(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// The part of an absolute path below the page's folder; nullopt: it lies elsewhere. Servers escape
// as they like, so decoded paths are compared.
std::optional<std::string> below_page(std::string_view page_url, std::string_view path) {
  const std::optional<std::string> page = percent_decode(path_of(page_url));
  std::size_t slash =
      path.ends_with('/') ? path.substr(0, path.size() - 1).rfind('/') : path.rfind('/');
  if (!page || slash == path.npos) return std::nullopt;
  const std::optional<std::string> folder = percent_decode(path.substr(0, slash + 1));
  if (!folder || *folder != *page) return std::nullopt;
  return std::string(path.substr(slash + 1));
}

std::optional<std::string> relative_to_page(std::string_view page_url, std::string_view href) {
  if (has_scheme(href)) {
    const bool web = href.starts_with("http://") || href.starts_with("https://");
    if (!web || !same_host(url_authority(href), url_authority(page_url))) return std::nullopt;
    return below_page(page_url, path_of(href));
  }
  if (href.starts_with("//")) return relative_to_page(page_url, "http:" + std::string(href));
  if (href.starts_with('/')) return below_page(page_url, href);
  while (href.starts_with("./")) href.remove_prefix(2);
  return std::string(href);
}

}  // namespace

std::optional<LinkedName> linked_name(std::string_view page_url, std::string_view href) {
  href = href.substr(0, href.find('#'));
  if (href.empty() || href.find('?') != href.npos) return std::nullopt;
  const std::optional<std::string> relative = relative_to_page(page_url, href);
  if (!relative) return std::nullopt;
  std::string_view text = *relative;
  LinkedName linked;
  linked.is_folder = text.ends_with('/');
  if (linked.is_folder) text.remove_suffix(1);
  std::optional<std::string> name = percent_decode(text);
  if (!name || name->empty() || *name == "." || *name == ".." ||
      name->find('/') != std::string::npos)
    return std::nullopt;
  linked.name = std::move(*name);
  return linked;
}

bool is_same_folder(std::string_view asked, std::string_view to) {
  if (to.find_first_of("?#") != to.npos || !to.ends_with('/')) return false;
  const bool becomes_https = asked.starts_with("http://") && to.starts_with("https://");
  const bool same_scheme =
      to.find("://") != to.npos && asked.starts_with(to.substr(0, to.find("://") + 3));
  const bool same_place = becomes_https
                              ? same_host(url_host(asked), url_host(to))
                              : same_scheme && same_host(url_authority(asked), url_authority(to));
  const std::optional<std::string> path = percent_decode(path_of(asked));
  return same_place && path && path == percent_decode(path_of(to));
}

}  // namespace mirror::scanner::web
