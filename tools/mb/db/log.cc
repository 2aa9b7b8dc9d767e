// mb log: who changed what of the mirrors.
#include <fmt/core.h>

#include <ctime>

#include "db/mirror/audit.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"
#include "tools/mb/since.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string mirror, since = "30d", by, setting;
  bool json = false;
};

// What runs on the server's own host has no address.
std::string who(const db::AuditEntry& entry) {
  if (!entry.operator_name.empty()) return fmt::format("{} ({})", entry.operator_name, entry.role);
  return fmt::format("{} ({}{}{})", entry.role, entry.program,
                     entry.program.empty() || entry.address.empty() ? "" : " ", entry.address);
}

void say_table(const std::vector<db::AuditEntry>& entries) {
  Table table({{"AT"}, {"WHO"}, {"MIRROR"}, {"SETTING"}, {"FROM"}, {"TO"}});
  for (const db::AuditEntry& entry : entries)
    table.add(
        {utc_minute(entry.at_s), who(entry), entry.mirror, entry.setting, entry.from, entry.to});
  table.say();
}

void say_as_json(const std::vector<db::AuditEntry>& entries) {
  auto list = nlohmann::json::array();
  for (const db::AuditEntry& entry : entries) {
    list.push_back({{"at", rfc3339(entry.at_s)},
                    {"role", entry.role},
                    {"operator", entry.operator_name},
                    {"program", entry.program},
                    {"address", entry.address},
                    {"mirror", entry.mirror},
                    {"setting", entry.setting},
                    {"from", entry.from},
                    {"to", entry.to}});
  }
  say_json(list);
}

int run(Context& context, const Wanted& wanted) {
  const std::int64_t since_s = parse_since(wanted.since);
  db::Connection& connection = context.database();
  std::vector<db::AuditEntry> entries =
      db::read_audit(connection, {wanted.mirror, wanted.by, since_s});
  if (entries.empty() && !wanted.mirror.empty())
    entries = db::read_audit(connection, {whole_name(context, wanted.mirror), wanted.by, since_s});
  if (!wanted.setting.empty())
    std::erase_if(entries, [&](const auto& entry) { return entry.setting != wanted.setting; });
  if (wanted.json) {
    say_as_json(entries);
  } else if (!entries.empty()) {
    say_table(entries);
  } else {
    if (!wanted.mirror.empty()) require_mirror(context, wanted.mirror);
    complain(fmt::format("nothing was changed since {}", utc_minute(since_s)));
  }
  return kSuccess;
}

}  // namespace

Action setup_log(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("identifier", wanted->mirror, "Of this mirror only; also of a deleted one")
      ->type_name("IDENT");
  app.add_option(
         "--since", wanted->since,
         "From when on: 12h, 30d (the default), 2026-11-30, '2026-11-30 14:00' (UTC); they are "
         "kept for 400 days")
      ->type_name("TIME");
  app.add_option("--by", wanted->by, "What this user of the system or role of the database did")
      ->type_name("WHO");
  app.add_option("--setting", wanted->setting,
                 "Of this setting only: weight, prefix, rule, deleted, ...")
      ->type_name("NAME");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
