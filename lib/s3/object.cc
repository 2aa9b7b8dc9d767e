#include "s3/object.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <thread>

#include "core/http_date.h"

namespace mirror::s3 {
namespace {

constexpr std::int64_t kPartBytes = 8 << 20;
constexpr int kMostTries = 4;
constexpr std::chrono::milliseconds kFirstWait(500);

S3Url read_url(const std::string& url) {
  S3Url read;
  if (const UrlFault fault = read_s3_url(url, read)) throw AccountError(fault.text());
  return read;
}

Bucket bucket_of(const S3Url& url) {
  if (url.anonymous) return {url, {}};
  return {url, find_account(url.profile, process_environment)};
}

bool may_pass(int status) { return status == 429 || status >= 500 || status == 408; }

}  // namespace

Folder::Folder(const std::string& url, std::string ca_file)
    : prefix_(read_url(url).prefix),
      ca_file_(std::move(ca_file)),
      bucket_(bucket_of(read_url(url))) {}

Folder::Signed Folder::request(const std::string& path,
                               std::vector<std::pair<std::string, std::string>> headers) const {
  const std::lock_guard guard(mutex_);
  Signed made{bucket_.url_of(prefix_ + path), {}};
  made.headers = bucket_.headers("GET", made.url, std::time(nullptr), std::move(headers));
  return made;
}

bool Folder::move(const net::FetchResponse& answer) {
  const std::lock_guard guard(mutex_);
  const auto region =
      bucket_.other_region(answer.status, answer.header("x-amz-bucket-region"), answer.body);
  if (region) bucket_.move_to(*region);
  return region.has_value();
}

std::string Folder::failure_words(const net::FetchResponse& answer) const {
  const std::lock_guard guard(mutex_);
  return s3::failure_words(answer.status, answer.body, bucket_.anonymous());
}

ObjectReader::ObjectReader(Folder& folder, net::Fetcher& fetcher, std::string path,
                           std::int64_t size_bytes, std::int64_t modified_s,
                           std::function<bool()> stop)
    : folder_(folder),
      fetcher_(fetcher),
      path_(std::move(path)),
      size_bytes_(size_bytes),
      modified_s_(modified_s),
      stop_(std::move(stop)) {}

std::size_t ObjectReader::read(std::span<char> into) {
  std::size_t length = 0;
  while (length < into.size() && (at_ < size_bytes_ || etag_.empty())) {
    if (taken_ == part_.size()) fetch();
    const std::size_t some = std::min(into.size() - length, part_.size() - taken_);
    std::memcpy(into.data() + length, part_.data() + taken_, some);
    taken_ += some, length += some, at_ += static_cast<std::int64_t>(some);
  }
  return length;
}

std::int64_t ObjectReader::part_bytes() const { return std::min(kPartBytes, size_bytes_ - at_); }

net::FetchResponse ObjectReader::ask() {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!etag_.empty()) headers.emplace_back("if-match", etag_);
  if (size_bytes_ > 0)
    headers.emplace_back("range", fmt::format("bytes={}-{}", at_, at_ + part_bytes() - 1));
  Folder::Signed sent = folder_.request(path_, std::move(headers));
  net::FetchRequest request;
  request.url = std::move(sent.url);
  request.headers = std::move(sent.headers);
  request.ca_file = folder_.ca_file();
  request.connect_timeout = std::chrono::seconds(30);
  request.timeout = std::chrono::seconds(300);
  request.max_body_bytes = static_cast<std::size_t>(kPartBytes) + 1;
  return fetcher_.get(request);
}

// False: it is to be asked for again.
bool ObjectReader::take(const net::FetchResponse& answer) {
  if (answer.status == 404 || answer.status == 412 || answer.status == 416)
    throw ObjectChanged("it is another object now");
  const bool is_part = answer.status == 206;
  if (!is_part && answer.status != 200) {
    if (may_pass(answer.status)) return false;
    throw std::runtime_error(folder_.failure_words(answer));
  }
  if (parse_http_date(answer.header("Last-Modified")) != modified_s_)
    throw ObjectChanged("it was uploaded anew");
  const std::string range = fmt::format("bytes {}-{}/{}", at_, at_ + part_bytes() - 1, size_bytes_);
  const auto length = static_cast<std::int64_t>(answer.body.size());
  const bool is_it = is_part ? answer.header("Content-Range") == range && length == part_bytes()
                             : at_ == 0 && length == size_bytes_;
  const std::string_view etag = answer.header("ETag");
  if (!is_it || etag.empty() || (!etag_.empty() && etag != etag_))
    throw ObjectChanged("it has another size");
  etag_ = etag;
  return true;
}

void ObjectReader::fetch() {
  bool moved = false;
  std::string words;
  for (int tries = 0; tries < kMostTries && !stop_(); ++tries) {
    if (tries > 0 && !moved) std::this_thread::sleep_for(kFirstWait * (1 << (tries - 1)));
    moved = false;
    try {
      net::FetchResponse answer = ask();
      moved = folder_.move(answer);
      if (moved) continue;
      if (take(answer)) {
        part_ = std::move(answer.body);
        taken_ = 0;
        return;
      }
      words = folder_.failure_words(answer);
    } catch (const net::FetchError& error) {
      words = error.what();
      if (error.kind() == net::FetchError::Kind::too_large)
        throw ObjectChanged("it is larger than it was");
    }
  }
  throw std::runtime_error(words.empty() ? "interrupted" : words);
}

}  // namespace mirror::s3
