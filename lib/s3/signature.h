// Signature Version 4 of requests without a body (Amazon S3 API Reference, "Authenticating
// Requests: Using the Authorization Header"). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "s3/credentials.h"

namespace mirror::s3 {

struct Request {
  std::string_view method;  // GET, HEAD
  // Escaped as canonical requests have it (bucket.h): all but unreserved characters; the query's
  // parameters in order.
  std::string_view url;
  std::vector<std::pair<std::string, std::string>> headers;  // lower case, in order, to be signed
};

// Headers that the request is to be sent with, as "name: value": those that were given, and with
// credentials those that sign it at that Unix time. Host is the URL's.
std::vector<std::string> signed_headers(const Request& request, const Credentials& credentials,
                                        std::string_view region, std::int64_t now_s);

}  // namespace mirror::s3
