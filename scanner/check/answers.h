// What checks and stamps need to know of answers and of where redirects lead. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/request_pool.h"

namespace mirror::probe {

// The file's size as an answer tells it (RFC 9110 §8.6, §14.4); nullopt: it does not.
std::optional<std::int64_t> size_in(const net::PoolAnswer& answer);
// Where the server says that the file was last modified, as Unix time; nullopt: it does not say.
std::optional<std::int64_t> mtime_in(const net::PoolAnswer& answer);
bool is_redirect(int status);
// Whether the server perhaps refuses HEAD alone, so that GET may tell more.
bool head_may_be_refused(int status);
// A page in place of a file that is none: "not found" with status 200, a portal, advertisements.
bool is_page(std::string_view content_type);
std::string_view without_query(std::string_view url);
// The name of the file, decoded.
std::string last_segment(std::string_view url);
// Whether it leads to one of our own URLs, each of which ends in '/'.
bool is_own(std::string_view url, const std::vector<std::string>& server_urls);
// Whether it is an address, and no public one.
bool is_private_text(const std::string& address);

inline constexpr std::size_t kMaxRedirects = 5;

struct RedirectFault {
  std::string words;     // as they come from the server: for bounded(); "": none
  bool of_file = false;  // perhaps for this file alone
  explicit operator bool() const { return !words.empty(); }
};
// Why a redirect to `to` is not followed. `asked`: the URLs so far, the file's own first, last the
// one that answered so. `server_urls`: our own. `public_only`: the first one has a public address.
RedirectFault redirect_fault(const std::vector<std::string>& asked, const std::string& to,
                             const std::vector<std::string>& server_urls, bool public_only);

// As a row may have it and a line may show it, whatever a server has sent.
std::string bounded(std::string_view reason);

}  // namespace mirror::probe
