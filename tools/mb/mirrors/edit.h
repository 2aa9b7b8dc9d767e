// What mb edit says of a change, for its options and for its editor.
#pragma once

#include <string>

#include "tools/mb/context.h"

namespace mirror::mb {

// What differs between two states of a mirror, as "weight 50 → 60, …"; "": nothing.
std::string differences(const db::MirrorRecord& before, const db::MirrorRecord& after);

// Says what changed, or would change, and what is odd about it. Disables a mirror with this
// server's own URL. Returns the exit status.
int tell_change(Context& context, const db::MirrorRecord& before, const db::MirrorRecord& after,
                bool dry_run);

// Opens a mirror's settings in an editor and stores what is saved. Returns the exit status; throws
// UsageError without a terminal.
int edit_in_editor(Context& context, const std::string& name, bool dry_run);

}  // namespace mirror::mb
