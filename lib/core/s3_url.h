// URLs of folders in buckets of object stores:
//   s3://BUCKET/[PREFIX/][?region=NAME&endpoint=URL&profile=NAME&anonymous=yes]
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/url.h"

namespace mirror {

struct S3Url {
  std::string bucket;
  std::string prefix;    // unescaped; "" or ends in '/'
  std::string region;    // "": as the credentials' profile says, or the usual one
  std::string endpoint;  // scheme, host and port of another store than Amazon's; "": Amazon's
  std::string profile;   // of the files with credentials; "": the usual one
  bool anonymous = false;
};

// Reads the URL into `into`, which is not to be used where there is a fault. The fault points into
// the URL.
UrlFault read_s3_url(std::string_view url, S3Url& into);

}  // namespace mirror
