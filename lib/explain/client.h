// A client's place as explanations and `mb` show it. Pure.
#pragma once

#include <optional>
#include <string>

#include "core/model.h"

namespace mirror {

// "12.34 -5.67" or "".
std::string place_text(const std::optional<Place>& place);
// "AS64496" or "".
std::string as_text(AsNumber asn);
// "DE Germany, EU, 52.52 13.40, AS64496 Example Net"; "" when nothing is known.
std::string client_text(const Client& client);

}  // namespace mirror
