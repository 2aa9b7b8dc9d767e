// A child's GeoIP databases, reopened by a background thread when they are replaced on disk.
// locate() may be called from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "background.h"
#include "connection_pool.h"
#include "geo/geo.h"
#include "log_gate.h"

namespace mirror::httpd {

class GeoWatch {
 public:
  // `copies`: the folder for them, as GeoDatabases takes it.
  GeoWatch(std::vector<std::string> files, std::string copies, Log log);
  // Opens the files and starts the thread; files that cannot be opened are tried again later.
  void start();
  void ask_to_stop() noexcept { thread_.ask_to_stop(); }
  bool join_by(std::chrono::steady_clock::time_point deadline) noexcept {
    return thread_.join_by(deadline);
  }

  // Only the address is known where the files cannot be opened, or without any.
  Client locate(const Address& address) const;

 private:
  void look();
  void report(const std::vector<std::string>& troubles);

  const std::vector<std::string> files_;
  const std::string copies_;
  const Log log_;
  std::unique_ptr<GeoDatabases> owned_;
  std::atomic<const GeoDatabases*> databases_{nullptr};  // owned_, once it is open
  LogGate troubles_log_;
  StepThread thread_;
};

}  // namespace mirror::httpd
