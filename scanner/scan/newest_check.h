// Whether a mirror's web server serves what its listing has. Where the two show different trees,
// or one of them is old, what the mirror got last tells. Any thread.
#pragma once

#include <string>
#include <vector>

#include "core/path_rules.h"
#include "db/mirror/mirrors.h"
#include "db/probe/probe_files.h"
#include "scanner/check/check.h"

namespace mirror::scanner {

struct Unserved {
  std::vector<std::int64_t> ids;  // of files that the web server lacks, or has in another version
  std::string words;              // "" if there are none
};

// Asks for some of the files, the first ones, and for all once one of them is not served. A file is
// not served when it is so a second time, some seconds later, and over each way that answers. None,
// if the web server cannot be asked, or `stop_fd` is readable before the end.
// Throws FetchError when libcurl cannot be used.
Unserved ask_for_newest(const db::MirrorRecord& record, const std::vector<db::ProbeFile>& files,
                        const PathRules& rules, const probe::CheckOptions& options, int stop_fd);

}  // namespace mirror::scanner
