#include "s3/bucket.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/encode.h"
#include "core/path.h"
#include "s3/signature.h"

namespace mirror::s3 {
namespace {

constexpr std::string_view kUsualRegion = "us-east-1";
constexpr std::size_t kMaxWord = 200;  // of an answer, in a message

// The element's text, without entities: all that matters in errors is plain text.
std::string text_of(std::string_view body, const std::string& element) {
  const std::string open = '<' + element + '>';
  const std::size_t begin = body.find(open);
  if (begin == body.npos) return "";
  const std::string_view rest = body.substr(begin + open.size());
  const std::string_view text = rest.substr(0, std::min(rest.find('<'), kMaxWord));
  return std::string(text);
}

bool is_region(std::string_view text) {
  return !text.empty() && text.size() < 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// Virtual hosts' names are labels of a DNS name; with a dot no certificate would fit.
bool is_label(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string escaped(std::string_view text) {
  std::string out;
  append_percent(out, text);
  return out;
}

}  // namespace

StoreError read_error(std::string_view body) {
  return {text_of(body, "Code"), text_of(body, "Message"), text_of(body, "Region")};
}

Bucket::Bucket(const S3Url& url, Account account)
    : name_(url.bucket),
      endpoint_(url.endpoint),
      credentials_(url.anonymous ? Credentials() : std::move(account.credentials)) {
  move_to(!url.region.empty() ? url.region : account.region);
}

void Bucket::move_to(std::string region) {
  region_ = region.empty() ? kUsualRegion : std::move(region);
  if (!endpoint_.empty()) {
    base_ = fmt::format("{}/{}/", endpoint_, name_);
    return;
  }
  const std::string host =
      fmt::format("s3.{}.amazonaws.com{}", region_, region_.starts_with("cn-") ? ".cn" : "");
  base_ = is_label(name_) ? fmt::format("https://{}.{}/", name_, host)
                          : fmt::format("https://{}/{}/", host, name_);
}

std::string Bucket::url_of(std::string_view key,
                           std::vector<std::pair<std::string, std::string>> query) const {
  std::string url = base_;
  for (std::size_t from = 0; from <= key.size();) {
    const std::size_t slash = std::min(key.find('/', from), key.size());
    append_percent(url, key.substr(from, slash - from));
    if (slash < key.size()) url += '/';
    from = slash + 1;
  }
  for (auto& [name, value] : query) name = escaped(name), value = escaped(value);
  std::sort(query.begin(), query.end());
  char before = '?';
  for (const auto& [name, value] : query) {
    url += fmt::format("{}{}={}", before, name, value);
    before = '&';
  }
  return url;
}

std::vector<std::string> Bucket::headers(
    std::string_view method, std::string_view url, std::int64_t now_s,
    std::vector<std::pair<std::string, std::string>> more) const {
  return signed_headers({method, url, std::move(more)}, credentials_, region_, now_s);
}

std::optional<std::string> Bucket::other_region(int status, std::string_view header,
                                                std::string_view body) const {
  const bool may_be = status == 301 || status == 307 || status == 400 || status == 403;
  if (!may_be) return std::nullopt;
  std::string region(header);
  if (region.empty() && status != 403) region = read_error(body).region;
  if (!is_region(region) || region == region_) return std::nullopt;
  return region;
}

std::string failure_words(int status, std::string_view body, bool anonymous) {
  const StoreError error = read_error(body);
  std::string words = fmt::format("the store answers {}", status);
  if (!error.code.empty()) words += ' ' + printable(error.code);
  if (!error.message.empty()) words += ": " + printable(error.message);
  if (error.code == "RequestTimeTooSkewed") words += " (is this machine's clock right?)";
  if (status == 403 && anonymous)
    words += " (no credentials were used: see \"Buckets\" in mb.toml(5))";
  return words;
}

}  // namespace mirror::s3
