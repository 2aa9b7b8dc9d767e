#include "client.h"

#include <fmt/core.h>

#include "record.h"

namespace mirror::mb {

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

nlohmann::json client_json(const Client& client) {
  nlohmann::json json = {{"address", client.address.text()},
                         {"country", client.country.text()},
                         {"region", region_code(client.region)},
                         {"latitude", nullptr},
                         {"longitude", nullptr},
                         {"asn", client.asn},
                         {"as_name", client.as_name}};
  if (client.place) {
    json["latitude"] = client.place->latitude;
    json["longitude"] = client.place->longitude;
  }
  return json;
}

}  // namespace mirror::mb
