// What redirects are made of: mirrors, files, clients. Plain values that core, catalog, db and the
// module share. Nothing here owns a resource; a MirrorTable is immutable once built and may be read
// by any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/place.h"
#include "core/rank_index.h"

namespace mirror {

// What ranking needs to know of a mirror; the admin's side of it (names, scan URLs, notes) is db's
// MirrorRecord.
struct Mirror {
  MirrorId id = 0;
  std::string identifier;
  std::string http_url;   // "" or ends in '/'
  std::string https_url;  // "" or ends in '/'
  bool enabled = false;
  bool online = true;
  int weight = 100;  // 0 takes no redirects
  CountryCode country;
  Region region = Region::unknown;
  std::optional<Place> place;
  AsNumber asn = 0;
  bool prefix_only = false;
  bool as_only = false;
  bool country_only = false;
  bool region_only = false;
  bool ipv4 = true;
  bool ipv6 = false;
  std::int64_t file_maxsize = 0;  // bytes; larger files rank after everyone else; 0: no limit
  std::vector<CountryCode> other_countries;
  std::vector<CountryCode> excluded_countries;
  std::vector<Prefix> prefixes;     // networks that it serves first
  std::vector<AsNumber> served_as;  // further ASes that it serves first
  std::string operator_name,
      operator_url;  // who runs it, for lists that people read; "" or an http or https URL
};

// Whether `url` may stand in a header with a path behind it: visible ASCII, `scheme` ("http://"), a
// host, no query, a '/' at its end.
bool usable_base(std::string_view url, std::string_view scheme);

// A bijection that changes about half of all bits for any change (the finaliser of SplitMix64).
constexpr std::uint64_t scattered(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

// All mirrors at one moment, by id. What comes in is not trusted: URLs that are not usable become
// "", identifiers printable; an unknown region is taken from the country.
class MirrorTable {
 public:
  MirrorTable() = default;
  MirrorTable(std::int64_t rev, std::vector<Mirror> mirrors);
  const Mirror* find(MirrorId id) const;  // nullptr when unknown
  // Where all() and rows() have it; nullopt when unknown.
  std::optional<std::size_t> position(MirrorId id) const {
    const auto slot = static_cast<std::uint16_t>(id);
    if (slot >= positions_.size() || positions_[slot] < 0) return std::nullopt;
    return static_cast<std::size_t>(positions_[slot]);
  }
  // Of one that the table has.
  std::size_t known_position(MirrorId id) const {
    return static_cast<std::size_t>(positions_[static_cast<std::uint16_t>(id)]);
  }
  const std::vector<Mirror>& all() const { return mirrors_; }
  const std::vector<RankRow>& rows() const { return rows_; }  // of all()
  const RankRow& row_of(const Mirror& mirror) const { return rows_[&mirror - mirrors_.data()]; }
  const RankIndex& index() const { return index_; }
  std::int64_t rev() const { return rev_; }

 private:
  std::int64_t rev_ = -1;
  std::vector<Mirror> mirrors_;          // in id order
  std::vector<RankRow> rows_;            // of mirrors_
  std::vector<std::int32_t> positions_;  // by id; -1: none
  RankIndex index_;                      // of rows_
};

// What a path is in the tree.
enum class Found : std::uint8_t { file, directory, absent };

// A current (or in-grace) version of a file, with the mirrors that have it.
struct File {
  std::string path;  // the real path: links are resolved
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;  // Unix time
  MirrorSet mirrors;         // owned by what found the file
  bool pending = false;      // touched at the source and not yet hashed again: no redirects
};

// Who asks. Unknown fields are empty.
struct Client {
  Address address;
  CountryCode country;
  Region region = Region::unknown;
  std::optional<Place> place;
  AsNumber asn = 0;
  std::string as_name;
  bool overridden = false;  // country= or as= was given: prefixes do not count
};

}  // namespace mirror
