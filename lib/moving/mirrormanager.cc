// Fedora's MirrorManager 2: the rows of its table host, with those of the tables that belong to it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/address.h"
#include "core/path.h"
#include "moving/formats.h"
#include "moving/json_text.h"

namespace mirror::moving {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 8;
constexpr std::size_t kMaxShown = 80;
// A Gbit/s is the weight that is normal here.
constexpr double kMbitPerWeight = 10, kMostWeight = 10'000;

const Json& member(const Json& object, const char* name) {
  static const Json none;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() ? *found : none;
}

std::string text_in(const Json& object, const char* name) { return text_of(member(object, name)); }

// Databases without booleans have 0 and 1.
bool flag_in(const Json& object, const char* name, bool otherwise) {
  const Json& value = member(object, name);
  if (value.is_boolean()) return value.get<bool>();
  return value.is_number() ? value.get<double>() != 0 : otherwise;
}

// Of values, or of objects that have them under that name; empty ones are left out.
std::vector<std::string> texts_in(const Json& object, const char* list, const char* name) {
  std::vector<std::string> texts;
  if (!member(object, list).is_array()) return texts;
  for (const Json& one : member(object, list)) {
    std::string text = text_of(one.is_object() ? member(one, name) : one);
    if (!text.empty()) texts.push_back(std::move(text));
  }
  return texts;
}

// The texts with commas between them.
std::string joined(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ","));
}

const Json& hosts_in(const Json& json) {
  const Json& list = json.is_object() ? member(json, "hosts") : json;
  if (!list.is_array()) throw FormatError("has no list of hosts");
  return list;
}

// Each host may carry several trees; here is one.
std::string chosen_category(const Json& hosts, std::string_view wanted) {
  std::set<std::string> names;
  for (const Json& host : hosts)
    for (const std::string& name : texts_in(host, "categories", "category")) names.insert(name);
  if (wanted.empty() && names.size() == 1) return *names.begin();
  if (names.contains(std::string(wanted))) return std::string(wanted);
  if (names.empty()) throw FormatError("has no categories with URLs: is it MirrorManager's?");
  throw FormatError(fmt::format(
      "{}: --section takes one of {}",
      wanted.empty() ? "has several categories" : fmt::format("has no category '{}'", wanted),
      printable(fmt::format("{}", fmt::join(names, ", ")))));
}

void set_urls(const Json& host, const std::string& category, MovedMirror& mirror) {
  if (!member(host, "categories").is_array()) return;
  for (const Json& one : member(host, "categories")) {
    if (text_in(one, "category") != category || !member(one, "urls").is_array()) continue;
    for (const Json& url : member(one, "urls")) {
      const std::string text = text_of(url.is_object() ? member(url, "url") : url);
      if (flag_in(url, "private", false))
        mirror.leave_out("a private URL", text);
      else
        mirror.set_url(text);
    }
    if (flag_in(one, "always_up2date", false)) mirror.leave_out("always_up2date", "yes");
  }
}

void set_weight(const Json& host, MovedMirror& mirror) {
  const Json& mbit = member(host, "bandwidth_int");
  if (!mbit.is_number()) return;
  const double weight = std::round(mbit.get<double>() / kMbitPerWeight);
  mirror.set("weight", fmt::format("{:.0f}", std::clamp(weight, 1.0, kMostWeight)));
}

// Networks and ASes that it serves first; whether there are ASes among them.
bool set_served(const Json& host, MovedMirror& mirror) {
  for (const std::string& network : texts_in(host, "netblocks", "netblock")) {
    if (const auto prefix = Prefix::parse(network))
      mirror.serves_first.push_back(prefix->text());
    else
      mirror.leave_out("a netblock that is no network here", network);
  }
  const std::string asn = text_in(host, "asn");
  if (asn != "0") mirror.set("asn", asn);
  const std::vector<std::string> peers = texts_in(host, "peer_asns", "asn");
  if (!flag_in(host, "asn_clients", true)) {
    mirror.leave_out("asn_clients", "no, so the peer ASes do not count");
    return false;
  }
  for (const std::string& peer : peers) mirror.serves_first.push_back("AS" + peer);
  return !peers.empty() || !mirror.value("asn").empty();
}

// A private one serves nobody but those. Those who are on Internet2 are not known here.
void set_limits(const Json& host, bool serves_ases, MovedMirror& mirror) {
  const bool is_private =
      flag_in(host, "private", false) || flag_in(member(host, "site"), "private", false);
  mirror.set_flag("as_only", is_private && serves_ases);
  mirror.set_flag("prefix_only", is_private && !serves_ases);
  for (const char* const name : {"internet2", "internet2_clients"})
    if (flag_in(host, name, false)) mirror.leave_out(name, "yes");
  std::string own(mirror.value("country")), others;
  bool has_own = false;
  const std::vector<std::string> allowed = texts_in(host, "countries_allowed", "country");
  for (const std::string& text : allowed) {
    const std::string code = code_list(text);
    if (code == own)
      has_own = true;
    else
      others += (others.empty() ? "" : ",") + code;
  }
  mirror.set_flag("country_only", !allowed.empty());
  if (allowed.empty()) return;
  mirror.set("other_countries", others);
  if (!has_own) mirror.set("excluded_countries", own);
}

bool is_enabled(const Json& host) {
  const Json& site = member(host, "site");
  bool enabled = true;
  for (const char* const name : {"admin_active", "user_active"})
    enabled = enabled && flag_in(host, name, true) && flag_in(site, name, true);
  return enabled;
}

// What it does not have is that of nobody; what was measured, and secrets, are passed over.
void leave_out_rest(const Json& host, MovedMirror& mirror) {
  if (const std::string most = text_in(host, "max_connections"); most != "1")
    mirror.leave_out("max_connections of a client", most);
  mirror.leave_out("disable_reason", text_in(host, "disable_reason"));
  mirror.leave_out("robot_email", text_in(host, "robot_email"));
  mirror.leave_out("acl_ips", joined(texts_in(host, "acl_ips", "ip")));
  mirror.leave_out("locations", joined(texts_in(host, "locations", "name")));
  mirror.leave_out("directories that only it has",
                   joined(texts_in(host, "exclusive_dirs", "name")));
}

MovedMirror mirror_of(const Json& host, const std::string& category) {
  MovedMirror mirror;
  mirror.identifier = identifier_from(text_in(host, "name"));
  set_urls(host, category, mirror);
  mirror.set_flag("enabled", is_enabled(host));
  mirror.set("country", code_list(text_in(host, "country")));
  mirror.set_place(text_in(host, "latitude"), text_in(host, "longitude"));
  set_weight(host, mirror);
  set_limits(host, set_served(host, mirror), mirror);
  mirror.set("private_comment", text_in(host, "comment"));
  const Json& site = member(host, "site");
  mirror.set("operator_name", text_in(site, "name"));
  mirror.set("operator_url", text_in(site, "org_url"));
  mirror.set("admin_name", joined(texts_in(site, "admins", "username")));
  leave_out_rest(host, mirror);
  return mirror;
}

}  // namespace

MovedMirrors read_mirrormanager(std::string_view text, std::string_view category) {
  const std::optional<Json> json = parse_json(text, kDeepest);
  if (!json) throw FormatError("is not JSON");
  const Json& hosts = hosts_in(*json);
  const std::string chosen = chosen_category(hosts, category);
  MovedMirrors moved;
  for (const Json& host : hosts) {
    MovedMirror mirror = mirror_of(host, chosen);
    if (!mirror.value("http_url").empty() || !mirror.value("https_url").empty()) {
      moved.mirrors.push_back(std::move(mirror));
      continue;
    }
    const auto name = text_in(host, "name").substr(0, kMaxShown);
    moved.left_out.push_back(fmt::format("{}: no {} by http or https",
                                         name.empty() ? "a host without a name" : printable(name),
                                         printable(chosen)));
  }
  settle_identifiers(moved);
  return moved;
}

}  // namespace mirror::moving
