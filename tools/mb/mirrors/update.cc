// mb update: looks up anew what mirrors' hosts tell: address families, place and AS.
#include <fmt/core.h>

#include <algorithm>

#include "tools/mb/commands.h"
#include "tools/mb/mirrors/host_place.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::vector<std::string> identifiers;
  bool all = false, dry_run = false, json = false;
  bool place = false, asn = false, addresses = false;  // none of them: all

  bool everything() const { return !place && !asn && !addresses; }
};

struct Looked {
  std::string mirror, host, addresses, trouble;
  std::vector<db::Change> changes;
  std::vector<std::string> before;  // of each change
};

std::string value_of(const db::MirrorRecord& record, std::string_view column) {
  for (const db::MirrorColumn& known : db::mirror_columns())
    if (known.name == column) return db::column_text(record, known);
  return "";
}

void note(const db::MirrorRecord& record, const char* column, const std::string& now,
          Looked& looked) {
  std::string was = value_of(record, column);
  if (now.empty() || was == now) return;
  looked.changes.emplace_back(column, now == "yes" ? "true" : now == "no" ? "false" : now);
  looked.before.push_back(std::move(was));
}

// A mirror for every country, or with several places, is a network of servers: the place of one
// tells nothing.
void note_place(const db::MirrorRecord& record, const Client& found, Looked& looked) {
  const Mirror& mirror = record.mirror;
  if (mirror.country.everyone() || !mirror.places.empty() || !found.country.known()) return;
  note(record, "country", std::string(found.country.text()), looked);
  note(record, "region", std::string(region_code(found.region)), looked);
  if (!found.place) return;
  note(record, "latitude", fmt::format("{}", found.place->latitude), looked);
  note(record, "longitude", fmt::format("{}", found.place->longitude), looked);
}

// "no" only if the resolver says that there is none.
void note_family(const db::MirrorRecord& record, const Resolved& resolved, Family family,
                 Looked& looked) {
  const bool is_v4 = family == Family::ipv4;
  const FamilyAnswer answer = has_family(resolved.addresses, family)
                                  ? FamilyAnswer{true, ""}
                                  : ask_family(looked.host, family);
  if (answer.has)
    note(record, is_v4 ? "ipv4" : "ipv6", *answer.has ? "yes" : "no", looked);
  else
    looked.trouble = fmt::format("whether the host {} has {} is not known now: {}", looked.host,
                                 is_v4 ? "IPv4" : "IPv6", answer.error);
}

Looked look(Context& context, const db::MirrorRecord& record, const Wanted& wanted) {
  Looked looked;
  looked.mirror = record.mirror.identifier;
  looked.host = first_host({record.mirror.https_url, record.mirror.http_url});
  const Resolved resolved = resolve(looked.host);
  if (resolved.addresses.empty()) {
    looked.trouble = fmt::format("the host {} cannot be resolved: {}", looked.host, resolved.error);
    return looked;
  }
  for (const Address& address : resolved.addresses)
    looked.addresses += (looked.addresses.empty() ? "" : ", ") + address.text();
  const Client found = locate_all(context.geo(), resolved.addresses);
  if (wanted.everything() || wanted.place) note_place(record, found, looked);
  if ((wanted.everything() || wanted.asn) && found.asn != 0)
    note(record, "asn", std::to_string(found.asn), looked);
  if (wanted.everything() || wanted.addresses) {
    note_family(record, resolved, Family::ipv4, looked);
    note_family(record, resolved, Family::ipv6, looked);
  }
  return looked;
}

std::string shown(const std::string& value) {
  return value.empty() ? "''" : value == "true" ? "yes" : value == "false" ? "no" : value;
}

std::string text_of(const Looked& looked, bool dry_run) {
  std::string text;
  for (std::size_t i = 0; i < looked.changes.size(); ++i) {
    text += fmt::format("{}{} {} → {}", i == 0 ? "" : ", ", looked.changes[i].first,
                        shown(looked.before[i]), shown(looked.changes[i].second));
  }
  if (text.empty()) text = "nothing to change";
  return fmt::format("mirror '{}': {}{}", looked.mirror, dry_run ? "would change: " : "", text);
}

nlohmann::json to_json(const Looked& looked) {
  auto changes = nlohmann::json::array();
  for (std::size_t i = 0; i < looked.changes.size(); ++i)
    changes.push_back({{"column", looked.changes[i].first},
                       {"from", looked.before[i]},
                       {"to", shown(looked.changes[i].second)}});
  return {{"mirror", looked.mirror},
          {"host", looked.host},
          {"addresses", looked.addresses},
          {"trouble", looked.trouble.empty() ? nlohmann::json() : nlohmann::json(looked.trouble)},
          {"changes", changes}};
}

std::vector<db::MirrorRecord> chosen(Context& context, const Wanted& wanted) {
  if (wanted.all == !wanted.identifiers.empty())
    throw UsageError("update: name mirrors, or say --all for all of them");
  return wanted.all ? db::list_mirrors(context.database())
                    : require_mirrors(context, wanted.identifiers, Naming::to_change);
}

int run(Context& context, const Wanted& wanted) {
  const std::vector<db::MirrorRecord> records = chosen(context, wanted);
  if (context.geo().empty() && !wanted.addresses)
    complain(
        "no geo_databases in the configuration: places and ASes are not known; see mb.toml(5)");
  auto list = nlohmann::json::array();
  bool trouble = false;
  for (const db::MirrorRecord& record : records) {
    const Looked looked = look(context, record, wanted);
    trouble |= !looked.trouble.empty();
    if (!looked.changes.empty() && !wanted.dry_run)
      db::update_mirror(context.database(), record.mirror.id, looked.changes);
    if (!wanted.json && !looked.trouble.empty())
      complain(fmt::format("mirror '{}': {}", looked.mirror, looked.trouble));
    if (wanted.json)
      list.push_back(to_json(looked));
    else if (!looked.changes.empty() || (!wanted.all && looked.trouble.empty()))
      say(text_of(looked, wanted.dry_run && !looked.changes.empty()));
  }
  if (wanted.json) say_json(list);
  return trouble ? kFailure : kSuccess;
}

}  // namespace

Action setup_update(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("identifiers", wanted->identifiers, "The mirrors")->type_name("IDENT");
  app.add_flag("-a,--all", wanted->all, "All mirrors, disabled ones too");
  app.add_flag("--place", wanted->place, "Only country, region and coordinates");
  app.add_flag("--asn", wanted->asn, "Only the AS");
  app.add_flag("--addresses", wanted->addresses, "Only whether it has IPv4 and IPv6");
  app.add_flag("--dry-run", wanted->dry_run, "Show what would change");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
