#include "s3/signature.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "core/encode.h"
#include "core/url.h"
#include "digest/message.h"

namespace mirror::s3 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kNoBody =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";  // SHA-256 of nothing

std::string hex(std::string_view bytes) {
  std::string text;
  append_hex(text, bytes);
  return text;
}

struct Parts {
  std::string_view path, query;
};
Parts parts_of(std::string_view url) {
  const std::size_t path = std::min(url.find('/', url.find("://") + 3), url.size());
  const std::size_t query = std::min(url.find('?', path), url.size());
  return {url.substr(path, query - path),
          query == url.size() ? std::string_view() : url.substr(query + 1)};
}

}  // namespace

std::vector<std::string> signed_headers(const Request& request, const Credentials& credentials,
                                        std::string_view region, std::int64_t now_s) {
  std::vector<std::string> sent;
  for (const auto& [name, value] : request.headers) sent.push_back(name + ": " + value);
  if (credentials.anonymous()) return sent;
  const std::string time = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::time_t{now_s}));
  const std::string_view day = std::string_view(time).substr(0, 8);
  auto headers = request.headers;
  headers.emplace_back("host", url_authority(request.url));
  headers.emplace_back("x-amz-content-sha256", kNoBody);
  headers.emplace_back("x-amz-date", time);
  if (!credentials.session_token.empty())
    headers.emplace_back("x-amz-security-token", credentials.session_token);
  std::sort(headers.begin(), headers.end());
  std::string lines, names;
  for (const auto& [name, value] : headers) {
    lines += fmt::format("{}:{}\n", name, value);
    names += (names.empty() ? "" : ";") + name;
  }
  const Parts parts = parts_of(request.url);
  const std::string canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, parts.path,
                                            parts.query, lines, names, kNoBody);
  const std::string scope = fmt::format("{}/{}/s3/aws4_request", day, region);
  const std::string to_sign =
      fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, scope, hex(digest::sha256_of(canonical)));
  std::string key = "AWS4" + credentials.secret_access_key;
  for (const std::string_view part :
       {day, region, std::string_view("s3"), std::string_view("aws4_request")})
    key = digest::hmac_sha256_of(key, part);
  sent.clear();
  for (const auto& [name, value] : headers) {
    if (name != "host") sent.push_back(name + ": " + value);
  }
  sent.push_back(fmt::format("authorization: {} Credential={}/{},SignedHeaders={},Signature={}",
                             kAlgorithm, credentials.access_key_id, scope, names,
                             hex(digest::hmac_sha256_of(key, to_sign))));
  return sent;
}

}  // namespace mirror::s3
