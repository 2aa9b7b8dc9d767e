// The source's web server, where the source is no folder of this machine: whether it still has what
// a mirror lacks. It is asked once for each path, and for some paths a minute only. One thread.
// Times are seconds of the prober's clock.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/instance.h"
#include "core/token_bucket.h"
#include "net/request_pool.h"
#include "scanner/check/check.h"

namespace mirror::probe {

class SourceWeb {
 public:
  using Answer = std::function<void(bool deleted)>;

  // All must outlive it, or the pool not run any more.
  SourceWeb(net::RequestPool& pool, const Instance& instance, const CheckOptions& options);

  // Calls `answer` once with whether the source says that it has no such file: at once where that
  // is known or cannot be asked (then it is false), else while the pool runs. Throws FetchError.
  void ask(const std::string& path, double now_s, Answer answer);
  bool finished() const { return running_ == 0; }

 private:
  struct Known {
    double asked_s = 0;
    bool deleted = false, running = true;
    std::vector<Answer> waiting;
  };
  void start(const std::string& path, Known& known);
  void answered(const std::string& path, const net::PoolAnswer& answer);

  net::RequestPool& pool_;
  const CheckOptions& options_;
  const std::string base_;  // of its URLs; "": it has none
  TokenBucket requests_;
  std::map<std::string, Known> known_;  // by path
  int running_ = 0;
};

// The source's base URL: source_url in mb.toml, or what stamp_url has before stamp_path; "": it is
// not known, or the source is a folder of this machine, which tells more.
std::string source_base(const Instance& instance);

}  // namespace mirror::probe
