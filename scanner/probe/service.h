// mb-probe --loop: probes until it is told to stop, whatever the database does meanwhile.
#pragma once

#include "os/reload_signal.h"
#include "os/service_manager.h"
#include "os/stop_signal.h"
#include "scanner/probe/probe_options.h"
#include "scanner/probe/report.h"

namespace mirror::probe {

class Service {
 public:
  // All must outlive it.
  Service(const ProbeOptions& options, Reporter& reporter, const StopSignal& stop,
          const ReloadSignal& reload, ServiceManager& manager)
      : options_(options), reporter_(reporter), stop_(stop), reload_(reload), manager_(manager) {}

  // Returns when a signal asks to stop or to reload, a few seconds later at most: what is known by
  // then is written first.
  void run();

 private:
  bool going_on() const { return !stop_.asked() && !reload_.came(); }
  void wait(double seconds);
  void use_one_session(class Prober& prober);
  bool wait_for_lock(class Session& session);
  void end(class Session& session, class Prober& prober);
  void database_failed(const std::string& what);

  const ProbeOptions& options_;
  Reporter& reporter_;
  const StopSignal& stop_;
  const ReloadSignal& reload_;
  ServiceManager& manager_;
  std::string told_;  // of the database, until it works again
};

}  // namespace mirror::probe
