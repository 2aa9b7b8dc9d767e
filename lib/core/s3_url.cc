#include "core/s3_url.h"

#include <algorithm>

#include "core/path.h"

namespace mirror {
namespace {

constexpr std::size_t kMaxName = 128;  // of a region or profile

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_name_character(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

// As other stores than Amazon's have them too: capitals and underscores.
bool is_bucket(std::string_view name) {
  constexpr std::size_t kShortest = 3, kLongest = 255;
  const auto is_edge = [](char c) { return is_name_character(c) && c != '-' && c != '.'; };
  return name.size() >= kShortest && name.size() <= kLongest && is_edge(name.front()) &&
         is_edge(name.back()) && name.find("..") == name.npos &&
         std::all_of(name.begin(), name.end(), is_name_character);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName &&
         std::all_of(text.begin(), text.end(), is_name_character);
}

UrlFault read_prefix(std::string_view path, S3Url& into) {
  std::string prefix = percent_decode(path).value_or("//");
  if (prefix.empty()) return {};
  if (!prefix.ends_with('/')) prefix += '/';
  if (check_path(std::string_view(prefix).substr(0, prefix.size() - 1)) != PathFault::none)
    return {"its path is not one of a folder", path};
  into.prefix = std::move(prefix);
  return {};
}

// Without a port that the scheme implies, which requests do not have either.
UrlFault read_endpoint(std::string_view value, S3Url& into) {
  if (value.ends_with('/')) value.remove_suffix(1);
  const bool secure = value.starts_with("https://");
  if (!is_url(std::string(value) + '/', UrlKind::web_base) ||
      url_authority(value).size() + (secure ? 8 : 7) != value.size())
    return {"endpoint is not a web server's URL, such as https://s3.example.org", value};
  const std::string_view implied = secure ? ":443" : ":80";
  if (value.ends_with(implied)) value.remove_suffix(implied.size());
  into.endpoint = value;
  return {};
}

UrlFault read_parameter(std::string_view parameter, S3Url& into) {
  const std::size_t equals = parameter.find('=');
  const std::string_view name = parameter.substr(0, equals);
  const std::string_view value =
      equals == parameter.npos ? std::string_view() : parameter.substr(equals + 1);
  if (name == "endpoint") return read_endpoint(value, into);
  if (name == "anonymous") {
    into.anonymous = value == "yes";
    if (into.anonymous || value == "no") return {};
    return {"anonymous must be yes or no", parameter};
  }
  if (name != "region" && name != "profile")
    return {"its parameters are region, endpoint, profile and anonymous", parameter};
  if (!is_name(value)) return {"this parameter has no usable name", parameter};
  (name == "region" ? into.region : into.profile) = value;
  return {};
}

}  // namespace

UrlFault read_s3_url(std::string_view url, S3Url& into) {
  constexpr std::string_view kScheme = "s3://";
  into = {};
  if (!url.starts_with(kScheme)) return {"it does not begin with s3://", {}};
  static_assert(kMaxUrlBytes == 2048);
  if (url.size() > kMaxUrlBytes) return {"it is longer than 2048 bytes", {}};
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7f' && c != '#'; };
  if (const auto odd = std::find_if_not(url.begin(), url.end(), is_plain); odd != url.end())
    return {"it has a character that URLs write as an escape", {}};
  const std::string_view rest = url.substr(kScheme.size());
  const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  if (!is_bucket(rest.substr(0, slash)))
    return {"it has no usable name of a bucket", rest.substr(0, slash)};
  if (!rest.substr(slash).starts_with('/')) return {"it has no slash after the bucket's name", {}};
  into.bucket = rest.substr(0, slash);
  const std::size_t query = std::min(rest.find('?'), rest.size());
  if (const UrlFault fault = read_prefix(rest.substr(slash + 1, query - slash - 1), into))
    return fault;
  for (std::size_t from = query + 1; from < rest.size();) {
    const std::size_t end = std::min(rest.find('&', from), rest.size());
    if (const UrlFault fault = read_parameter(rest.substr(from, end - from), into)) return fault;
    from = end + 1;
  }
  return {};
}

}  // namespace mirror
