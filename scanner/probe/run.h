// One check of a way that is under way, and why it was begun. Internal to Prober.
#pragma once

#include <optional>
#include <vector>

#include "scanner/check/check.h"
#include "scanner/check/job.h"
#include "scanner/probe/fleet.h"
#include "scanner/probe/prober.h"

namespace mirror::probe {

struct Prober::Run {
  Item& item;
  Check check;
  Job job;
  double started_s;
  bool again = false;              // the file was missing or wrong in the check before
  bool refused = false;            // or was refused, and others were not
  std::optional<Verdict> missing;  // found twice; this check asks over another way
  std::vector<Way> others;         // to be asked after that
};

}  // namespace mirror::probe
