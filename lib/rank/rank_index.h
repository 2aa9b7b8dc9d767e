// What ranking reads of the mirrors, laid out so that a request touches few of them: sets of ids as
// bits, by what the mirrors have in common. Made once per MirrorTable, immutable.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/address.h"
#include "core/mirror_set.h"
#include "core/model.h"
#include "core/place.h"

namespace mirror {

// What ranking needs to know of every mirror, packed so that hundreds of them fit a processor's
// nearest cache.
struct RankRow {
  // rank/may_serve.h says what is plain, and what is usable for clients of which scheme and family
  // (of immutable files, where it is stale). Four flags of usable. placed: the coordinates are the
  // mirror's, not its country's.
  enum Flag : std::uint8_t { plain = 1, ipv6 = 2, usable = 4, stale = 64, placed = 128 };
  static constexpr int usable_flag(bool https, Family family) {
    return usable << (2 * https + (family == Family::ipv4));
  }

  Direction
      direction;  // of its place, else of its country's centre, else its region's; NaN: unknown
  std::uint64_t scatter = 0;  // scattered(id)
  std::int32_t weight = 0;
  AsNumber asn = 0;
  CountryCode country;
  Region region = Region::unknown;
  std::uint8_t flags = 0;
  MirrorId id = 0;
};

// Ids, 64 to a word, from id 0 on.
using MirrorBits = std::vector<std::uint64_t>;

template <class Use>
void for_each_bit(std::span<const std::uint64_t> bits, Use use) {
  for (std::size_t i = 0; i < bits.size(); ++i) {
    for (std::uint64_t word = bits[i]; word != 0; word &= word - 1)
      use(i * 64 + std::countr_zero(word));
  }
}

class RankIndex {
 public:
  RankIndex() : RankIndex(std::span<const RankRow>()) {}
  explicit RankIndex(
      std::span<const RankRow> rows);  // in order of ids; of several with one id the last counts

  std::size_t words() const { return ipv6_.size(); }
  // Who may serve a client of this scheme and family at all: with stale mirrors or without.
  const MirrorBits& usable(bool https, Family family, bool with_stale) const {
    return usable_[with_stale][https][family == Family::ipv4];
  }
  bool has_stale() const { return has_stale_; }
  const MirrorBits& ipv6() const { return ipv6_; }
  const MirrorBits& nowhere() const { return nowhere_; }  // no direction known
  const MirrorBits& in(Region region) const { return in_region_[static_cast<std::size_t>(region)]; }
  // Who may be nearer than far to a client of this country: its mirrors, those of every country,
  // and all that are not plain. Those in the client's AS come on top.
  const MirrorBits& near(CountryCode country) const {
    if (!country.known()) return not_plain_;
    return country.everyone() || country_[country.slot()] < 0 ? anywhere_
                                                              : near_[country_[country.slot()]];
  }
  // Plain mirrors.
  std::span<const MirrorId> in_as(AsNumber asn) const;

 private:
  void add(const RankRow& row);

  std::array<std::array<std::array<MirrorBits, 2>, 2>, 2> usable_;
  bool has_stale_ = false;
  MirrorBits ipv6_, nowhere_, not_plain_, anywhere_;
  std::array<MirrorBits, kRegions> in_region_;
  std::array<std::int16_t, CountryCode::kSlots> country_{};  // in near_; -1: no plain mirrors
  std::vector<MirrorBits> near_;
  std::vector<AsNumber> as_;         // sorted, as often as it has mirrors
  std::vector<MirrorId> as_mirror_;  // of as_
};

}  // namespace mirror
