#include "scanner/s3/store.h"

#include <fmt/format.h>

#include <ctime>

#include "core/path.h"
#include "scanner/list/listing.h"

namespace mirror::scanner::s3 {
namespace {

S3Url url_of(const Target& target) {
  S3Url url;
  if (const UrlFault fault = read_s3_url(target.url, url)) throw ListingError(fault.text());
  return url;
}

mirror::s3::Bucket bucket_of(const Target& target) {
  const S3Url url = url_of(target);
  try {
    if (url.anonymous) return {url, {}};
    return {url, mirror::s3::find_account(url.profile, mirror::s3::process_environment)};
  } catch (const mirror::s3::AccountError& error) {
    throw ListingError(error.what());
  }
}

web::WebSettings settings_of(const Target& target, const web::WebOptions& options,
                             const mirror::s3::Bucket& bucket) {
  web::WebSettings settings = web::settings_of(target, options);
  settings.headers = [&bucket](std::string_view method, const std::string& url) {
    return bucket.headers(method, url, std::time(nullptr));
  };
  return settings;
}

std::vector<std::pair<std::string, std::string>> parameters_of(const ListQuery& query) {
  std::vector<std::pair<std::string, std::string>> parameters{{"list-type", "2"},
                                                              {"encoding-type", "url"}};
  if (!query.prefix.empty()) parameters.emplace_back("prefix", query.prefix);
  if (query.folders) parameters.emplace_back("delimiter", "/");
  if (!query.token.empty())
    parameters.emplace_back("continuation-token", query.token);
  else if (!query.after.empty())
    parameters.emplace_back("start-after", query.after);
  return parameters;
}

[[noreturn]] void fail(const std::string& url, std::string_view words) {
  throw ListingError(fmt::format("{}: {}", printable(url), words));
}

}  // namespace

Store::Store(const Target& target, const web::WebOptions& options)
    : bucket_(bucket_of(target)), client_(settings_of(target, options, bucket_)) {}

void Store::list(ListQuery query, PageDone done) { ask({std::move(query), std::move(done)}); }

void Store::ask(Asked asked) {
  const std::string url = bucket_.url_of("", parameters_of(asked.query));
  client_.get(url, [this, asked = std::move(asked)](web::WebAnswer&& answer) mutable {
    asked.answer = std::move(answer);
    answers_.push_back(std::move(asked));
  });
}

void Store::take_answer() {
  Asked asked = std::move(answers_.front());
  answers_.pop_front();
  const std::string url = bucket_.url_of("");
  const web::WebAnswer& answer = asked.answer;
  const std::string& body = answer.parts.body;
  if (!answer.fault.empty()) fail(url, answer.fault);
  const auto region =
      bucket_.other_region(answer.status, answer.parts.header("x-amz-bucket-region"), body);
  if (region && !asked.moved) {
    bucket_.move_to(*region);
    return ask({std::move(asked.query), std::move(asked.done), true});
  }
  if (answer.status != 200)
    fail(url, mirror::s3::failure_words(answer.status, body, bucket_.anonymous()));
  ListPage page = read_list_page(body);
  if (!page.fault.empty()) fail(url, "its page " + page.fault);
  asked.done(std::move(page));
}

void Store::head(const std::string& key, HeadDone done) {
  client_.head(bucket_.url_of(key),
               [done = std::move(done)](web::WebAnswer&& answer) { done(answer); });
}

}  // namespace mirror::scanner::s3
