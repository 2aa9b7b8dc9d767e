// Asks a mirror without any index for the source's files one by one, in turn, as many as its budget
// allows. The listing has what was asked for and nothing else: files with the mirror's size and
// time, and those that it does not have (db::kNotThere), if it had them before.
#pragma once

#include "db/merge/scan.h"
#include "scanner/list/known_files.h"
#include "scanner/list/listing.h"
#include "scanner/list/target.h"

namespace mirror::scanner::head {

// A file that the mirror had is gone when the server says so twice, some seconds apart. A server
// that asks for more time than a scan has ends the run early: what it has said counts, and the next
// run goes on from there. Throws ListingError when the server says that it has what cannot exist
// (asked first and at the end), and when more than a few files fail otherwise. One thread.
db::Fidelity list_by_head(const Target& target, KnownFiles& known, Listing& listing,
                          const Control& control);

}  // namespace mirror::scanner::head
