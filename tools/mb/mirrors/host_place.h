// Where a mirror is: its host's addresses and what the GeoIP databases say about them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "geo/geo.h"

namespace mirror::mb {

// The host of the first URL that has one; "" when none has.
std::string first_host(const std::vector<std::string>& urls);

struct Resolved {
  std::vector<Address> addresses;  // without duplicates, in the resolver's order
  std::string error;               // why there are none
};
// Literal addresses need no network.
Resolved resolve(const std::string& host);

// What is known of a host with these addresses: each field from the first address that has it.
Client locate_all(const GeoDatabases& geo, const std::vector<Address>& addresses);

// What the resolver says of one family alone: a name that has an address of one family is no proof
// that it has none of the other, whose question may have failed. nullopt: it does not say.
struct FamilyAnswer {
  std::optional<bool> has;
  std::string error;  // why it does not say
};
FamilyAnswer ask_family(const std::string& host, Family family);

bool has_family(const std::vector<Address>& addresses, Family family);

}  // namespace mirror::mb
