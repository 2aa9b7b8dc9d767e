// The pause of all redirects (core/pause.h): table `pause` has one row while it lasts. A trigger
// raises the mirrors' revision, so that redirectors hear of it as of a change of a mirror; another
// one notes the event.
#pragma once

#include <optional>
#include <string_view>

#include "core/pause.h"
#include "pg/connection.h"

namespace mirror::db {

std::optional<Pause> load_pause(Connection&);
// Begins one, or gives the one that is there another reason. Returns what there was before. Throws
// Error for a reason that the table does not take.
std::optional<Pause> begin_pause(Connection&, std::string_view reason);
// Returns the one that has ended; nullopt: there was none.
std::optional<Pause> end_pause(Connection&);

}  // namespace mirror::db
