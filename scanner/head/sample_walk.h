// A mirror that has everything by definition, as a CDN in front of the origin: it is asked by HEAD
// for a sample of the source's files. Where the sample agrees, all files of the source count as
// listed, but for those that it found missing or different (db/merge/head_sample.h).
#pragma once

#include "db/merge/scan.h"
#include "scanner/list/known_files.h"
#include "scanner/list/listing.h"
#include "scanner/list/target.h"

namespace mirror::scanner::head {

// A file is missing when the server says so twice, some seconds apart. Throws ListingError when
// more than a few of the sample are missing or different, when the server says that it has what
// cannot exist, and when more than a few files fail otherwise. One thread.
db::Fidelity list_by_sample(const Target& target, KnownFiles& known, Listing& listing,
                            const Control& control);

}  // namespace mirror::scanner::head
