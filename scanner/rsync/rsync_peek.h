// Short looks at an rsync server: which modules it lists, and what is in one folder. Each has an
// end of its own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace mirror::scanner {

struct RsyncPeek {
  std::vector<std::string> names;  // of modules, or of what is in the folder; the first thousand
  std::string fault;               // why there are none, in rsync's words; "": nothing failed
};

// `url`: rsync://HOST[:PORT]/ for the modules, else of a folder, without fault. `stop_fd`: ends it
// early; -1: none.
RsyncPeek peek_rsync_modules(const std::string& url, std::chrono::milliseconds patience,
                             int stop_fd);
RsyncPeek peek_rsync_folder(const std::string& url, std::chrono::milliseconds patience,
                            int stop_fd);

}  // namespace mirror::scanner
