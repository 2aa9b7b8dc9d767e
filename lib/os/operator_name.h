// Who runs this program, as far as the system tells: for records, never for rights.
#pragma once

#include <string>

namespace mirror {

// USER@HOST in printable ASCII. After sudo, the user who called it; without a name, the number.
std::string operator_name();

}  // namespace mirror
