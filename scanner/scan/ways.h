// In which ways a mirror can be listed, and in which order they are tried.
#pragma once

#include <string>
#include <vector>

#include "db/mirror/mirrors.h"
#include "scanner/list/method.h"
#include "scanner/scan/scan_options.h"

namespace mirror::scanner {

struct ListingWay {
  const Method* method = nullptr;
  std::string url;
  std::vector<std::string> options;  // the endpoint's
};

// Those of the mirror's endpoints that have a URL and a method of this program, in their order. A
// mirror without any is listed at its own http or https URL, then at its own FTP URL, unless the
// option of that method says `off`.
std::vector<ListingWay> ways_to_list(const db::MirrorRecord& record);

// What the method shall list, from an untrusted record. Throws ListingError with the reason.
Target target_of(const ListingWay& way, const db::MirrorRecord& record, const ScanOptions& options);
// Without what only a mirror has.
Target base_target(const std::string& url, const Method& method, const ScanOptions& options);

}  // namespace mirror::scanner
