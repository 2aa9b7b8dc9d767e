// Reads objects of a bucket's folder from the first byte to the last, in requests for a few MiB
// each, so that a connection that breaks costs no more than one of them.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/fetcher.h"
#include "s3/bucket.h"

namespace mirror::s3 {

// A folder in a bucket. Any thread.
class Folder {
 public:
  // `url` without fault (core/s3_url.h). `ca_file`: of those who sign certificates; "": the
  // system's. Throws AccountError.
  Folder(const std::string& url, std::string ca_file);

  struct Signed {
    std::string url;
    std::vector<std::string> headers;
  };
  Signed request(const std::string& path,
                 std::vector<std::pair<std::string, std::string>> headers) const;
  // Whether the answer named another region, to which requests go from now on.
  bool move(const net::FetchResponse& answer);
  std::string failure_words(const net::FetchResponse& answer) const;
  const std::string& ca_file() const { return ca_file_; }

 private:
  std::string prefix_, ca_file_;
  mutable std::mutex mutex_;  // for bucket_
  Bucket bucket_;
};

// It is another object now, or none.
class ObjectChanged : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One object. One thread.
class ObjectReader {
 public:
  // The object must have this size and LastModified. `stop` ends waiting.
  ObjectReader(Folder& folder, net::Fetcher& fetcher, std::string path, std::int64_t size_bytes,
               std::int64_t modified_s, std::function<bool()> stop);

  // Fills `into`, or less at the end. Throws ObjectChanged, and std::runtime_error where the store
  // does not give it after all tries.
  std::size_t read(std::span<char> into);
  std::int64_t bytes() const { return at_; }

 private:
  void fetch();
  net::FetchResponse ask();
  bool take(const net::FetchResponse& answer);
  std::int64_t part_bytes() const;

  Folder& folder_;
  net::Fetcher& fetcher_;
  const std::string path_;
  const std::int64_t size_bytes_, modified_s_;
  const std::function<bool()> stop_;
  std::string etag_;  // with its quotes; "": not known yet
  std::string part_;
  std::size_t taken_ = 0;  // of the part
  std::int64_t at_ = 0;
};

}  // namespace mirror::s3
