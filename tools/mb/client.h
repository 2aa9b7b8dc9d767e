// A client as `mb explain` and `mb iplookup` show it.
#pragma once

#include <string>
#include "tools/cli/json.h"

#include "core/model.h"

namespace mirror::mb {

// "DE Germany, EU, 52.52 13.40, AS64496 Example Net"; "" when nothing is known.
std::string client_text(const Client& client);
nlohmann::json client_json(const Client& client);

}  // namespace mirror::mb
