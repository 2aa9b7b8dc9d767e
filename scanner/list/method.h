// The ways to list a tree, one row each. A row is defined in the folder of scanner/ that does the
// listing. Callers know a method only by what this file says.
#pragma once

#include <string_view>

#include "db/merge/scan.h"
#include "scanner/list/known_files.h"
#include "scanner/list/listing.h"
#include "scanner/list/target.h"

namespace mirror::scanner {

struct Method {
  std::string_view name;        // as in the database
  std::string_view scheme;      // of its URLs; "": a path of this host
  bool for_mirror, for_source;  // as a mirror's endpoint; as the source
  Fault (*url_fault)(std::string_view url);
  Fault (*option_fault)(std::string_view option);
  // Passes the target's entries to the listing; any thread may call it. Returns how exact they were
  // once the listing is whole, else throws ListingError.
  db::Fidelity (*list)(const Target&, KnownFiles&, Listing&, const Control&);
};

extern const Method kRsyncMethod;   // scanner/rsync
extern const Method kLocalMethod;   // scanner/local
extern const Method kWebMethod;     // scanner/web
extern const Method kFtpMethod;     // scanner/ftp
extern const Method kHeadMethod;    // scanner/head
extern const Method kS3Method;      // scanner/s3
extern const Method kReportMethod;  // scanner/report

// nullptr: this program has none of that name.
const Method* find_method(std::string_view name);
// How a source is listed: by its URL's scheme. What has no method's scheme is a path.
const Method& method_of_source(std::string_view source);

}  // namespace mirror::scanner
