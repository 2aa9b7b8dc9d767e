// mb export mirmon, nginx and rsyncd: the mirrors as other servers and programs read them.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <numeric>
#include <set>

#include "core/ascii.h"
#include "core/url.h"
#include "rank/may_serve.h"
#include "tools/mb/commands.h"
#include "tools/mb/mirrors/host_place.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::vector<std::string> identifiers;
  bool all = false;
  std::string variable = "geoip2_data_country_code";
};

// Those that take redirects, unless all are wanted.
std::vector<db::MirrorRecord> chosen(Context& context, const Wanted& wanted) {
  std::vector<db::MirrorRecord> records = wanted.identifiers.empty()
                                              ? db::list_mirrors(context.database())
                                              : require_mirrors(context, wanted.identifiers);
  if (!wanted.all && wanted.identifiers.empty())
    std::erase_if(records, [](const db::MirrorRecord& record) { return !record.mirror.enabled; });
  return records;
}

// A URL of an endpoint may name a user, and then is nobody else's.
bool is_public(const std::string& url) {
  const std::size_t begin = url.find("://");
  return begin != url.npos &&
         url.substr(begin + 3, url.find('/', begin + 3) - begin - 3).find('@') == std::string::npos;
}

int run_mirmon(Context& context, const Wanted& wanted) {
  for (const db::MirrorRecord& record : chosen(context, wanted)) {
    const Mirror& mirror = record.mirror;
    const bool is_country = mirror.country.known() && !mirror.country.everyone();
    const std::string country = is_country ? lower(mirror.country.text()) : "zz";
    const db::Endpoint* const rsync = record.endpoint("rsync");
    for (const std::string& url : {mirror.https_url, mirror.http_url, record.ftp_url,
                                   rsync != nullptr ? rsync->url : std::string()}) {
      if (url.empty() || !is_public(url)) continue;
      say(fmt::format("{} {}{}", country, url,
                      record.admin_email.empty() ? "" : " " + record.admin_email));
    }
  }
  return kSuccess;
}

int run_rsyncd(Context& context, const Wanted& wanted) {
  std::set<std::string> all;
  bool trouble = false;
  for (const db::MirrorRecord& record : chosen(context, wanted)) {
    const Mirror& mirror = record.mirror;
    const db::Endpoint* const rsync = record.endpoint("rsync");
    std::set<std::string> hosts, own;
    for (const std::string& url : {mirror.https_url, mirror.http_url, record.ftp_url,
                                   rsync != nullptr ? rsync->url : std::string()})
      if (std::string host = first_host({url}); !host.empty()) hosts.insert(std::move(host));
    for (const std::string& host : hosts) {
      const Resolved resolved = resolve(host);
      for (const Address& address : resolved.addresses) own.insert(address.text());
      if (!resolved.addresses.empty()) continue;
      complain(fmt::format("mirror '{}': the host {} cannot be resolved: {}", mirror.identifier,
                           host, resolved.error));
      trouble = true;
    }
    if (!own.empty()) say(fmt::format("# {}: {}", mirror.identifier, fmt::join(own, " ")));
    all.insert(own.begin(), own.end());
  }
  if (!all.empty()) say(fmt::format("hosts allow = {}", fmt::join(all, " ")));
  return trouble ? kFailure : kSuccess;
}

// A base for nginx, whose strings cannot have a dollar sign: it begins a variable.
struct Base {
  std::string url;
  const Mirror* mirror = nullptr;
};

std::string quoted(const std::string& text) { return '"' + text + '"'; }

// Each gets its weight's part of the clients. nginx takes two decimals, and what is left for `*`.
void say_split(const std::string& name, const std::vector<Base>& bases) {
  const std::int64_t sum = std::accumulate(
      bases.begin(), bases.end(), std::int64_t{0},
      [](std::int64_t weights, const Base& base) { return weights + base.mirror->weight; });
  say(fmt::format("split_clients \"${{remote_addr}}\" ${} {{", name));
  std::int64_t left = 10000;
  for (std::size_t i = 0; i < bases.size(); ++i) {
    const std::int64_t part = bases[i].mirror->weight * 10000 / std::max<std::int64_t>(sum, 1);
    const bool is_last = i + 1 == bases.size();
    if (!is_last && (part == 0 || part >= left)) continue;
    say(is_last ? fmt::format("  * {};", quoted(bases[i].url))
                : fmt::format("  {}.{:02}% {};", part / 100, part % 100, quoted(bases[i].url)));
    left -= part;
  }
  say("}");
}

std::map<std::string, CountryCode> named_countries(const std::vector<Base>& bases) {
  std::map<std::string, CountryCode> countries;
  const auto add = [&](CountryCode code) {
    if (code.known() && !code.everyone()) countries.emplace(code.text(), code);
  };
  for (const Base& base : bases) {
    add(base.mirror->country);
    for (const CountryCode code : base.mirror->other_countries) add(code);
    for (const CountryCode code : base.mirror->excluded_countries) add(code);
  }
  return countries;
}

bool has(const std::vector<CountryCode>& countries, CountryCode country) {
  return std::find(countries.begin(), countries.end(), country) != countries.end();
}

// Its own mirrors with those for everyone; in a country without its own, those for anywhere. Never
// one that excludes it.
std::vector<Base> list_for(CountryCode country, const std::vector<Base>& bases,
                           const std::vector<Base>& anywhere) {
  std::vector<Base> list;
  bool has_own = false;
  for (const Base& base : bases) {
    const Mirror& mirror = *base.mirror;
    if (mirror.prefix_only || mirror.as_only || has(mirror.excluded_countries, country)) continue;
    const bool own = mirror.country == country || has(mirror.other_countries, country);
    if (own || mirror.country.everyone()) list.push_back(base);
    has_own |= own;
  }
  if (has_own) return list;
  list = anywhere;
  std::erase_if(list,
                [&](const Base& base) { return has(base.mirror->excluded_countries, country); });
  return list;
}

std::map<std::string, std::vector<Base>> by_country(const std::vector<Base>& bases,
                                                    const std::vector<Base>& anywhere) {
  std::map<std::string, std::vector<Base>> countries;
  for (const auto& [code, country] : named_countries(bases)) {
    std::vector<Base> list = list_for(country, bases, anywhere);
    if (list.empty())
      complain(fmt::format("all mirrors exclude {}: its clients go anywhere", code));
    else
      countries.emplace(code, std::move(list));
  }
  return countries;
}

// https, unless only http answers.
const std::string& url_for_clients(const Mirror& mirror) {
  const bool https = answers(mirror, true, Family::ipv4) || answers(mirror, true, Family::ipv6);
  return https ? mirror.https_url : mirror.http_url;
}

void say_networks(const std::vector<Base>& bases) {
  say("geo $mirror_of_network {\n  default \"\";");
  std::set<std::string> seen;  // nginx warns of a network that comes twice
  for (const Base& base : bases)
    for (const Prefix& prefix : base.mirror->prefixes)
      if (seen.insert(prefix.text()).second)
        say(fmt::format("  {} {};", prefix.text(), quoted(base.url)));
  say("}");
}

int run_nginx(Context& context, const Wanted& wanted) {
  const std::vector<db::MirrorRecord> records = chosen(context, wanted);
  std::vector<Base> bases, anywhere;
  for (const db::MirrorRecord& record : records) {
    const Mirror& mirror = record.mirror;
    if (serves_nobody(mirror)) continue;
    const std::string& url = url_for_clients(mirror);
    if (url.find('$') != url.npos) {
      complain(fmt::format("mirror '{}' is left out: nginx takes $ in its URL for a variable",
                           mirror.identifier));
      continue;
    }
    bases.push_back({url.substr(0, url.size() - 1), &mirror});  // $uri begins with the slash
    if (!mirror.prefix_only && !mirror.as_only && !mirror.country_only && !mirror.region_only)
      anywhere.push_back(bases.back());
  }
  if (anywhere.empty())
    throw Failure("no mirror takes clients from anywhere, so there is no default");
  say("# In http {}: for locations with  return 302 $mirror$uri;");
  say_networks(bases);
  say_split("mirror_anywhere", anywhere);
  const auto countries = by_country(bases, anywhere);
  for (const auto& [country, list] : countries) say_split("mirror_" + lower(country), list);
  say(fmt::format("map ${} $mirror_of_country {{\n  default $mirror_anywhere;", wanted.variable));
  for (const auto& [country, list] : countries)
    say(fmt::format("  {} $mirror_{};", country, lower(country)));
  say("}\nmap $mirror_of_network $mirror {\n  default $mirror_of_network;\n  \"\" "
      "$mirror_of_country;\n}");
  return kSuccess;
}

template <typename Run>
Action setup(cli::Options& app, Context& context, const std::shared_ptr<Wanted>& wanted, Run run) {
  app.add_option("identifiers", wanted->identifiers,
                 "Of these mirrors; without one, of all enabled ones")
      ->type_name("IDENT");
  app.add_flag("-a,--all", wanted->all, "Disabled mirrors too");
  return [&context, wanted, run] { return run(context, *wanted); };
}

}  // namespace

Action setup_export_mirmon(cli::Options& app, Context& context) {
  return setup(app, context, std::make_shared<Wanted>(), run_mirmon);
}
Action setup_export_rsyncd(cli::Options& app, Context& context) {
  return setup(app, context, std::make_shared<Wanted>(), run_rsyncd);
}
Action setup_export_nginx(cli::Options& app, Context& context) {
  const auto wanted = std::make_shared<Wanted>();
  app.add_option("--variable", wanted->variable,
                 "nginx's variable that has the client's country code, without $ "
                 "(geoip2_data_country_code)")
      ->type_name("NAME");
  return [wanted, action = setup(app, context, wanted, run_nginx)] {
    const bool is_name = !wanted->variable.empty() &&
                         std::all_of(wanted->variable.begin(), wanted->variable.end(),
                                     [](unsigned char c) { return std::isalnum(c) || c == '_'; });
    if (!is_name) throw UsageError("--variable: expected letters, digits and underscores");
    return action();
  };
}

}  // namespace mirror::mb
