// The exit statuses of our programs, the same in all of them.
#pragma once

namespace mirror::cli {

enum ExitStatus {
  kDone = 0,
  kFailed = 1,        // mb: it did not work; mb-scan, mb-hash: some of it
  kUsage = 2,         // the command line makes no sense
  kAllFailed = 2,     // mb-scan, mb-hash: none of it worked
  kNothingTried = 3,  // mb-scan, mb-hash: the configuration or the database prevents it
};

}  // namespace mirror::cli
