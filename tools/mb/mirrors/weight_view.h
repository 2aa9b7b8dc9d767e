// What a mirror's weight does, where it competes with others, and where it changes nothing.
#pragma once

#include <string>

#include "tools/mb/context.h"

namespace mirror::mb {

// Shows it as text or JSON; returns the exit status.
int show_weight(Context& context, const std::string& identifier, bool json);

}  // namespace mirror::mb
