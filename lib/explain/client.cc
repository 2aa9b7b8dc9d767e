#include "explain/client.h"

#include <fmt/core.h>

namespace mirror {

std::string place_text(const std::optional<Place>& place) {
  return place ? fmt::format("{:.2f} {:.2f}", place->latitude, place->longitude) : "";
}

std::string as_text(AsNumber asn) { return asn == 0 ? "" : fmt::format("AS{}", asn); }

std::string client_text(const Client& client) {
  std::string text;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  };
  if (client.country.known())
    add(fmt::format("{} {}", client.country.text(), name_of(client.country)));
  add(std::string(region_code(client.region)));
  add(place_text(client.place));
  if (client.asn != 0)
    add(as_text(client.asn) + (client.as_name.empty() ? "" : " " + client.as_name));
  return text;
}

}  // namespace mirror
