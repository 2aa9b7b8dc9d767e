// Whether a mirror's URL leads into a bucket that everybody may list. One thread.
#pragma once

#include <string>
#include <vector>

#include "scanner/discover/ways_check.h"

namespace mirror::scanner::discover {

// The s3:// URLs that an http or https URL of a folder may stand for, without credentials: the
// bucket is the first folder of its path, or stands before `s3` in its host's name. Pure.
std::vector<std::string> bucket_urls(const std::string& url);

// `base`: the URL that clients get. Its server is asked for a page of a listing.
PlaceFound find_bucket(const Question& question, const db::SourceSample& source,
                       const std::string& base);

}  // namespace mirror::scanner::discover
