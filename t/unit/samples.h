// Mirrors and clients for the tests of core: complete, usable and unremarkable until a test says
// otherwise.
#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <array>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/model.h"
#include "rank/rank.h"

namespace mirror {

inline CountryCode country(std::string_view code) {
  return code.empty() ? CountryCode() : CountryCode::parse(code).value();
}
inline Address address(std::string_view text) { return Address::parse(text).value(); }
inline Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }

inline Mirror sample_mirror(MirrorId id, std::string_view country_code = "DE") {
  Mirror mirror;
  mirror.id = id;
  mirror.identifier = "m" + std::to_string(id);
  mirror.http_url = "http://" + mirror.identifier + ".example/pub/";
  mirror.https_url = "https://" + mirror.identifier + ".example/pub/";
  mirror.enabled = true;
  mirror.country = country(country_code);
  mirror.ipv6 = true;
  return mirror;
}

inline Client sample_client(std::string_view country_code = "DE",
                            std::string_view address_text = "192.0.2.1") {
  Client client;
  client.address = address(address_text);
  client.country = country(country_code);
  client.region = region_of(client.country);
  return client;
}

// Different clients, the same ones in every run.
inline Address nth_address(std::uint32_t n) {
  std::mt19937 random(n);
  Address address;
  for (int i = 0; i < 4; ++i) address.bytes[i] = static_cast<std::uint8_t>(random());
  return address;
}

// 1 to `count`; at most 300 of them.
inline std::span<const MirrorId> first_ids(std::size_t count) {
  static const auto ids = [] {
    std::array<MirrorId, 300> numbers{};
    std::iota(numbers.begin(), numbers.end(), MirrorId{1});
    return numbers;
  }();
  return std::span(ids).first(count);
}

inline std::vector<MirrorId> all_ids(const MirrorTable& table) {
  std::vector<MirrorId> ids;
  for (const Mirror& mirror : table.all()) ids.push_back(mirror.id);
  return ids;
}

inline Ranking rank_all(const Client& client, const MirrorTable& table,
                        const RankRequest& request = {}, const RankSettings& settings = {}) {
  return rank(client, request, all_ids(table), table, settings);
}

// "2 prefix, 1 far; 3: disabled": the ranking in words.
inline std::string text(const Ranking& ranking) {
  std::string words;
  for (const Candidate& candidate : ranking.accepted) {
    words += (words.empty() ? "" : ", ") + std::to_string(candidate.mirror->id) + ' ' +
             std::string(tier_name(candidate.tier));
  }
  for (const Rejected& rejected : ranking.rejected) {
    words += "; " + std::to_string(rejected.id) + ": " + std::string(reject_text(rejected.reason));
  }
  return words;
}

inline std::string ranked(const Client& client, std::vector<Mirror> mirrors,
                          const RankRequest& request = {}, const RankSettings& settings = {}) {
  return text(rank_all(client, MirrorTable(1, std::move(mirrors)), request, settings));
}

}  // namespace mirror
