// Whether a mirror's web server serves what its listing has. Where the two show different trees,
// or one of them is old, what the mirror got last tells. One thread for each call.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "core/path_rules.h"
#include "db/merge/scan.h"
#include "db/mirror/mirrors.h"
#include "db/probe/probe_files.h"
#include "scanner/check/check.h"

namespace mirror::scanner {

// Of the mirrors that this program has scanned last: which serve some of what was asked for, and
// which nothing. Any thread.
class ServedMirrors {
 public:
  // One more. Whether so many serve nothing that this machine's network is the likelier cause.
  bool note(bool serves_some);

 private:
  std::mutex mutex_;
  std::deque<bool> last_;
};

// `words`: a sentence for people about the files that are not served; "" if there are none.
// `unserved` is empty all the same where many mirrors seem to serve nothing.
struct NewestAnswer {
  db::Unserved unserved;
  std::string words;
};

// Asks for some of the files, the first ones, and for all once one of them is not served: missing,
// another version, or refused while others are not. A file is not served when it is so a second
// time, some seconds later, and over each way that answers. A way that does not answer at once, or
// asks for time, is left. What was not asked for twice within a minute counts as served, and so
// does everything when `stop_fd` is readable before the end.
// Throws FetchError when libcurl cannot be used.
NewestAnswer ask_for_newest(const db::MirrorRecord& record, const db::NewestFiles& files,
                            const PathRules& rules, const probe::CheckOptions& options, int stop_fd,
                            ServedMirrors& others);

}  // namespace mirror::scanner
