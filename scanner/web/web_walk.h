// Lists a tree by the directory indexes of a web server: folders in parallel, given to the Listing
// in an order that depends on nothing but the pages. Folders of which the source has nothing are
// not read. What the pages leave open is asked by HEAD: sizes and times that are not shown, rounded
// sizes that fit an earlier version too, and times that may be in another zone.
#pragma once

#include "db/merge/scan.h"
#include "scanner/list/known_files.h"
#include "scanner/list/listing.h"
#include "scanner/list/target.h"

namespace mirror::scanner::web {

// Throws ListingError unless the listing is whole. One thread.
db::Fidelity list_web(const Target& target, KnownFiles& known, Listing& listing,
                      const Control& control);

}  // namespace mirror::scanner::web
