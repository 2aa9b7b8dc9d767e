// All mirrors at one moment, as ranking reads them. Immutable once built: any number of threads may
// read one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "core/path_rules.h"
#include "core/pause.h"
#include "rank/rank_index.h"

namespace mirror {

// All mirrors at one moment, by id. What comes in is not trusted: URLs that are not usable become
// "", identifiers printable; an unknown region is taken from the country.
class MirrorTable {
 public:
  MirrorTable() = default;
  MirrorTable(std::int64_t rev, std::vector<Mirror> mirrors, PathRules rules = {},
              std::optional<Pause> pause = {});
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
  // As the mirror's own row, of its further places.
  std::span<const RankRow> place_rows(std::size_t position) const {
    return std::span(place_rows_)
        .subspan(first_place_[position], first_place_[position + 1] - first_place_[position]);
  }
  const RankRow& row_of(const Mirror& mirror) const { return rows_[&mirror - mirrors_.data()]; }
  const RankIndex& index() const { return index_; }
  // What the admin says of paths; of the same revision.
  const PathRules& rules() const { return rules_; }
  // While there is one, nobody is sent to any mirror; of the same revision.
  const std::optional<Pause>& pause() const { return pause_; }
  // Whether mirrors are asked for this file that serve immutable files alone. Costs nothing while
  // there is no such mirror.
  bool is_for_stale(std::string_view path) const {
    return index_.has_stale() && rules_.is_immutable(path);
  }
  std::int64_t rev() const { return rev_; }

 private:
  std::int64_t rev_ = -1;
  std::vector<Mirror> mirrors_;  // in id order
  std::vector<RankRow> rows_;    // of mirrors_
  std::vector<RankRow> place_rows_;
  std::vector<std::size_t> first_place_{0};  // in place_rows_, of each of mirrors_; its size
  std::vector<std::int32_t> positions_;      // by id; -1: none
  RankIndex index_;                          // of rows_
  PathRules rules_;
  std::optional<Pause> pause_;
};

}  // namespace mirror
