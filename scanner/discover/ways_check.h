// By which ways besides HTTP a mirror can be listed: rsync modules and FTP. One thread.
#pragma once

#include <string>

#include "scanner/discover/discover.h"

namespace mirror::scanner::discover {

// Where the source's tree is on the mirror's server.
struct PlaceFound {
  std::string url;    // "": nowhere
  std::string words;  // how that is known; where it is not found: why
  int percent = 0;    // of the source's names at its top
};

PlaceFound find_rsync(const Question& question, const db::SourceSample& source, const Step& step);
PlaceFound find_ftp(const Question& question, const db::SourceSample& source);

}  // namespace mirror::scanner::discover
