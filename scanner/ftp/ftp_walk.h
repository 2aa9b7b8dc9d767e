// Lists a tree over FTP: folders side by side over a few connections, given to the Listing in an
// order that depends on nothing but the listings. Folders of which the source has nothing are not
// read. The server's MLSD is used where it has it, else LIST.
#pragma once

#include "db/merge/scan.h"
#include "scanner/list/known_files.h"
#include "scanner/list/listing.h"
#include "scanner/list/target.h"

namespace mirror::scanner::ftp {

// Throws ListingError unless the listing is whole. One thread.
db::Fidelity list_ftp(const Target& target, KnownFiles& known, Listing& listing,
                      const Control& control);

}  // namespace mirror::scanner::ftp
