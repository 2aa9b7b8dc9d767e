// What a record of a MaxMind DB says about a network. What it says wrongly (other types, absurd
// values) counts as not said. Pure; any thread.
#pragma once

#include <maxminddb.h>

#include <optional>
#include <string_view>

#include "core/model.h"
#include "core/place.h"

namespace mirror {

// The name is a view into the file.
struct GeoRecord {
  std::optional<Place> place;
  std::string_view as_name;
  AsNumber asn = 0;
  CountryCode country;
  Region continent = Region::unknown;

  bool says_anything() const;
};

GeoRecord read_geo_record(const MMDB_entry_s& entry);

}  // namespace mirror
