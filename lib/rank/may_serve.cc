#include "rank/may_serve.h"

#include <algorithm>

namespace mirror {

namespace {

std::optional<RejectReason> not_believed(Standing standing) {
  switch (standing) {
    case Standing::good:
      return std::nullopt;
    case Standing::stale:
      return RejectReason::stale;
    case Standing::wrong:
      return RejectReason::wrong;
    case Standing::returning:
      return RejectReason::returning;
  }
  return std::nullopt;
}

}  // namespace

std::string_view reject_text(RejectReason reason) {
  switch (reason) {
    case RejectReason::unknown_mirror:
      return "no such mirror";
    case RejectReason::disabled:
      return "disabled";
    case RejectReason::offline:
      return "offline";
    case RejectReason::down:
      return "down";
    case RejectReason::stale:
      return "stale";
    case RejectReason::wrong:
      return "wrong";
    case RejectReason::returning:
      return "returning";
    case RejectReason::no_weight:
      return "weight 0";
    case RejectReason::no_url:
      return "no usable URL";
    case RejectReason::https_only_client:
      return "no https for an https client";
    case RejectReason::ipv6_only:
      return "IPv6 only";
    case RejectReason::prefix_only:
      return "only its prefixes";
    case RejectReason::as_only:
      return "only its AS";
    case RejectReason::country_only:
      return "only its country";
    case RejectReason::region_only:
      return "only its region";
    case RejectReason::excluded_country:
      return "excludes the country";
    case RejectReason::avoided:
      return "the client avoids it (avoid=)";
  }
  return "";
}

std::string reject_text(RejectReason reason, const Mirror* mirror) {
  std::string text(reject_text(reason));
  if (mirror == nullptr || reason < RejectReason::down || reason > RejectReason::returning)
    return text;
  const std::string& why =
      reason == RejectReason::down ? mirror->down_reason : mirror->standing_reason;
  if (!why.empty()) text += ": " + why;
  if (reason == RejectReason::stale) text += " (it serves immutable files alone)";
  return text;
}

std::optional<RejectReason> serves_nobody(const Mirror& mirror, bool with_stale) {
  if (!mirror.enabled) return RejectReason::disabled;
  if (!mirror.online) return RejectReason::offline;
  if (mirror.weight <= 0) return RejectReason::no_weight;
  if (mirror.http_url.empty() && mirror.https_url.empty()) return RejectReason::no_url;
  if (const auto reason = not_believed(mirror.standing);
      reason && !(with_stale && *reason == RejectReason::stale))
    return reason;
  const bool reachable = std::any_of(
      kWays.begin(), kWays.end(), [&](Way way) { return answers(mirror, way.https, way.family); });
  return reachable ? std::nullopt : std::optional(RejectReason::down);
}

std::optional<Way> way_to(const Mirror& mirror, bool https, Family family) {
  if (family == Family::ipv4)
    return mirror.ipv4 ? std::optional(Way{https, Family::ipv4}) : std::nullopt;
  return Way{https, mirror.ipv6 || !mirror.ipv4 ? Family::ipv6 : Family::ipv4};
}

bool answers(const Mirror& mirror, bool https, Family family) {
  const std::string& url = https ? mirror.https_url : mirror.http_url;
  const auto way = way_to(mirror, https, family);
  return !url.empty() && way && !mirror.down.has(*way);
}

std::optional<RejectReason> unusable(const Mirror& mirror, bool https, Family family,
                                     bool with_stale) {
  if (const auto reason = serves_nobody(mirror, with_stale)) return reason;
  if (https && mirror.https_url.empty()) return RejectReason::https_only_client;
  if (family == Family::ipv4 && !mirror.ipv4) return RejectReason::ipv6_only;
  if (!answers(mirror, true, family) && (https || !answers(mirror, false, family)))
    return RejectReason::down;
  return std::nullopt;
}

std::optional<RejectReason> unwilling(const Mirror& mirror, const Nearness& near,
                                      CountryCode country) {
  const std::vector<CountryCode>& excluded = mirror.excluded_countries;
  if (country.known() && std::find(excluded.begin(), excluded.end(), country) != excluded.end())
    return RejectReason::excluded_country;
  if (near.prefix) return std::nullopt;
  if (mirror.prefix_only) return RejectReason::prefix_only;
  if (near.as) return std::nullopt;
  if (mirror.as_only) return RejectReason::as_only;
  if (near.country || near.named) return std::nullopt;
  if (mirror.country_only) return RejectReason::country_only;
  if (mirror.region_only && !near.region) return RejectReason::region_only;
  return std::nullopt;
}

bool is_plain(const Mirror& mirror) {
  return !mirror.prefix_only && !mirror.as_only && !mirror.country_only && !mirror.region_only &&
         mirror.file_maxsize <= 0 && mirror.other_countries.empty() &&
         mirror.excluded_countries.empty() && mirror.places.empty() && mirror.prefixes.empty() &&
         mirror.served_as.empty();
}

}  // namespace mirror
