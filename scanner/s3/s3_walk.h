// Lists a bucket's folder by ListObjectsV2: ranges of keys beside each other, page by page, with
// what the source knows of the files of one page in memory. LastModified is the time of the upload,
// so a mirror's times say only that a file is not newer than that; where MD5 sums are known, the
// ETag tells more.
#pragma once

#include "db/merge/scan.h"
#include "scanner/list/known_files.h"
#include "scanner/list/listing.h"
#include "scanner/list/target.h"

namespace mirror::scanner::s3 {

// Throws ListingError unless the listing is whole. One thread.
db::Fidelity list_s3(const Target& target, KnownFiles& known, Listing& listing,
                     const Control& control);

}  // namespace mirror::scanner::s3
