// Whether many mirrors fail at once because of the prober's own network. Pure.
#pragma once

#include <optional>
#include <vector>

#include "core/address.h"
#include "scanner/probe/fleet.h"

namespace mirror::probe {

// Of those mirrors that were checked over this family since the first undecided failure: more than
// half fail newly, and at least three. Then mirrors may be well and our own network ill.
bool looks_like_own_trouble(const std::vector<Item*>& items, Family family);

}  // namespace mirror::probe
