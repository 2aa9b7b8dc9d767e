// How mirrors are asked, as mb.toml has it.
#pragma once

#include <string>

#include "config/instance.h"
#include "scanner/check/check.h"

namespace mirror::probe {

// `program`: what asks, for the User-Agent.
CheckOptions check_options(const Instance& instance, const std::string& program);

}  // namespace mirror::probe
