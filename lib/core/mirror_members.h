// The members of a Mirror, one row each. All code that reads, stores, sets or shows them uses these
// tables, so a new member is a new row here. lib/db adds the members that only admins and scans
// need (db/mirror/members.cc).
#pragma once

#include <optional>
#include <tuple>

#include "core/model.h"
#include "core/url.h"

namespace mirror {

template <typename Owner, typename Value>
struct Member {
  constexpr Member(const char* name, Value Owner::*where, const char* help = nullptr,
                   std::optional<UrlKind> url = {})
      : name(name), where(where), help(help), url(url) {}
  const char* name;  // the SQL column and the JSON key; mb's option is the name with hyphens
  Value Owner::*where;
  const char* help;            // of the option; nullptr: there is none
  std::optional<UrlKind> url;  // a text that is none, or one of these
};

inline constexpr std::tuple kMirrorAddresses{
    Member{"id", &Mirror::id},
    Member{"identifier", &Mirror::identifier},
    Member{"http_url", &Mirror::http_url, "base URL for http clients", UrlKind::http_base},
    Member{"https_url", &Mirror::https_url, "base URL for https clients", UrlKind::https_base},
};

inline constexpr std::tuple kMirrorTraits{
    Member{"enabled", &Mirror::enabled, "takes redirects"},
    Member{"online", &Mirror::online, "whether it answers, as far as is known"},
    Member{"down", &Mirror::down},
    Member{"down_reason", &Mirror::down_reason},
    Member{"standing", &Mirror::standing},
    Member{"standing_reason", &Mirror::standing_reason},
    Member{"weight", &Mirror::weight, "share of redirects, 0 for none, 100 is normal"},
    Member{"country", &Mirror::country, "ISO 3166-1 code, or ** for every country"},
    Member{"region", &Mirror::region, "continent: AF AN AS EU NA OC SA"},
    Member{"place", &Mirror::place},
    Member{"places", &Mirror::places, "further places of a CDN; the nearest counts"},
    Member{"asn", &Mirror::asn, "number of its AS"},
    Member{"prefix_only", &Mirror::prefix_only, "only for clients in its prefixes"},
    Member{"as_only", &Mirror::as_only, "only for clients of its AS"},
    Member{"country_only", &Mirror::country_only, "only for clients of its country"},
    Member{"region_only", &Mirror::region_only, "only for clients of its region"},
    Member{"other_countries", &Mirror::other_countries,
           "countries without a mirror of their own that it serves"},
    Member{"excluded_countries", &Mirror::excluded_countries, "countries that it never serves"},
    Member{"ipv4", &Mirror::ipv4, "has IPv4 addresses"},
    Member{"ipv6", &Mirror::ipv6, "has IPv6 addresses"},
    Member{"file_maxsize", &Mirror::file_maxsize,
           "larger files go to other mirrors if there are any; 0: no limit"},
    Member{"max_mbit", &Mirror::max_mbit,
           "Mbit/s that redirects of each httpd may cause there; 0: no limit"},
    Member{"prefixes", &Mirror::prefixes},
    Member{"served_as", &Mirror::served_as},
    Member{"operator_name", &Mirror::operator_name, "who runs it"},
    Member{"operator_url", &Mirror::operator_url, "the operator's page", UrlKind::page},
};

// Calls `visit` with each Member of the table, in its order.
template <typename Table, typename Visit>
constexpr void for_each_member(const Table& table, Visit visit) {
  std::apply([&](const auto&... member) { (visit(member), ...); }, table);
}

template <typename Visit>
constexpr void for_each_mirror_member(Visit visit) {
  for_each_member(kMirrorAddresses, visit);
  for_each_member(kMirrorTraits, visit);
}

}  // namespace mirror
