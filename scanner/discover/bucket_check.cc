#include "scanner/discover/bucket_check.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

#include "core/s3_url.h"
#include "scanner/discover/patience.h"
#include "scanner/discover/tree_match.h"
#include "scanner/list/listing.h"
#include "scanner/s3/store.h"

namespace mirror::scanner::discover {
namespace {

constexpr std::string_view kAmazon = ".amazonaws.com";

bool is_store(std::string_view host) { return host.starts_with("s3.") || host.starts_with("s3-"); }

// How an s3:// URL names the store at `authority`.
std::string store_parameters(std::string_view scheme, std::string_view authority) {
  if (!is_store(authority) || !authority.ends_with(kAmazon))
    return fmt::format("endpoint={}{}", scheme, authority);
  std::string_view region = authority.substr(2, authority.size() - 2 - kAmazon.size());
  if (!region.empty()) region.remove_prefix(1);  // the mark behind s3
  return region.empty() ? "region=us-east-1" : fmt::format("region={}", region);
}

void add(std::string_view bucket, std::string_view path, const std::string& store,
         std::vector<std::string>& urls) {
  std::string url = fmt::format("s3://{}/{}?{}&anonymous=yes", bucket, path, store);
  S3Url parts;
  if (!read_s3_url(url, parts)) urls.push_back(std::move(url));
}

std::vector<std::string> names_in(const s3::ListPage& page, std::size_t prefix_bytes) {
  std::vector<std::string> names;
  const auto take = [&](std::string name) {
    if (name.size() <= prefix_bytes) return;
    name.erase(0, prefix_bytes);
    if (name.ends_with('/')) name.pop_back();
    names.push_back(std::move(name));
  };
  for (const std::string& folder : page.prefixes) take(folder);
  for (const s3::ListedObject& object : page.objects) take(object.key);
  return names;
}

// What lies in the folder of `url`. Throws ListingError.
std::vector<std::string> peek_bucket(const Question& question, const std::string& url) {
  S3Url parts;
  read_s3_url(url, parts);
  Target target;
  target.url = url;
  target.user_agent = question.user_agent;
  target.ca_file = question.ca_file;
  s3::Store store(target, {});
  std::optional<s3::ListPage> page;
  store.list({.prefix = parts.prefix, .folders = true},
             [&page](s3::ListPage&& got) { page = std::move(got); });
  const auto end = Clock::now() + time_left(question);
  while (!page && Clock::now() < end && !is_over(question)) {
    store.run(question.stop_fd);
    if (store.has_answer()) store.take_answer();
  }
  if (!page) throw ListingError("no answer in time");
  return names_in(*page, parts.prefix.size());
}

}  // namespace

std::vector<std::string> bucket_urls(const std::string& url) {
  std::vector<std::string> urls;
  const std::string_view authority = url_authority(url);
  const std::string_view scheme = std::string_view(url).substr(0, url.find("://") + 3);
  std::string_view path = std::string_view(url).substr(scheme.size() + authority.size());
  if (path.starts_with('/')) path.remove_prefix(1);
  const std::size_t dot = authority.find(".s3");
  if (dot != authority.npos && is_store(authority.substr(dot + 1)))
    add(authority.substr(0, dot), path, store_parameters(scheme, authority.substr(dot + 1)), urls);
  else if (const std::size_t slash = path.find('/'); slash != path.npos)
    add(path.substr(0, slash), path.substr(slash + 1), store_parameters(scheme, authority), urls);
  return urls;
}

PlaceFound find_bucket(const Question& question, const db::SourceSample& source,
                       const std::string& base) {
  PlaceFound found;
  for (const std::string& url : bucket_urls(base)) {
    try {
      const int percent = percent_of_top(source.top_names, peek_bucket(question, url));
      found.words = fmt::format("{} % of the source's top folders are in the bucket", percent);
      if (percent < kSameTree) continue;
      found.url = url;
      found.percent = percent;
      return found;
    } catch (const ListingError& error) {
      found.words = error.what();
    }
  }
  return found;
}

}  // namespace mirror::scanner::discover
