// A bucket: the URLs of its objects and listings, requests to it, and what its answers say about
// itself. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/s3_url.h"
#include "s3/credentials.h"

namespace mirror::s3 {

// The body of an answer that is an error. Pure; any bytes.
struct StoreError {
  std::string code, message, region;  // "": it does not say
};
StoreError read_error(std::string_view body);

class Bucket {
 public:
  // Path style for an endpoint that was given and names with dots, virtual hosts otherwise.
  Bucket(const S3Url& url, Account account);

  // Of an object; "" is the bucket itself. `query`: unescaped, in any order.
  std::string url_of(std::string_view key,
                     std::vector<std::pair<std::string, std::string>> query = {}) const;
  // To be sent with a request to a URL of url_of().
  std::vector<std::string> headers(
      std::string_view method, std::string_view url, std::int64_t now_s,
      std::vector<std::pair<std::string, std::string>> more = {}) const;

  const std::string& region() const { return region_; }
  bool anonymous() const { return credentials_.anonymous(); }
  // The region in which an answer says that the bucket lies, if it is another one than region().
  // `header`: the answer's x-amz-bucket-region.
  std::optional<std::string> other_region(int status, std::string_view header,
                                          std::string_view body) const;
  void move_to(std::string region);

 private:
  std::string name_, endpoint_, region_;
  Credentials credentials_;
  std::string base_;  // ends in '/'
};

// An answer that is a failure, as words after "it": "403 AccessDenied: Access Denied".
std::string failure_words(int status, std::string_view body, bool anonymous);

}  // namespace mirror::s3
