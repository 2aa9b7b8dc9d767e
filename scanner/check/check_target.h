// What a check asks of a mirror for a job.
#pragma once

#include "core/path_rules.h"
#include "db/mirror/mirrors.h"
#include "scanner/check/check.h"
#include "scanner/check/job.h"

namespace mirror::probe {

CheckTarget check_target(const db::MirrorRecord& record, Way way, const Job& job,
                         const PathRules& rules);

}  // namespace mirror::probe
