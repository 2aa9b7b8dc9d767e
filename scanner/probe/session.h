// The prober's connection to the database, and its lock there, so that one prober alone writes.
#pragma once

#include <optional>
#include <string>

#include "db/scan_lock.h"
#include "os/stop_signal.h"
#include "pg/connection.h"
#include "scanner/probe/probe_options.h"

namespace mirror::probe {

class Session {
 public:
  // Connects. Throws db::Error, also when the schema is not the program's.
  Session(const ProbeOptions& options, const StopSignal& stop);

  db::Connection& connection() { return connection_; }
  // Whether this session has the lock now.
  bool try_lock();
  std::string holder();  // of the lock; "": nobody
  // To write what is known before the program ends: also after it was asked to stop, every wait
  // from now on ends within two seconds.
  void end_soon();

 private:
  db::Connection connection_;
  std::optional<db::ScanLock> lock_;
};

}  // namespace mirror::probe
