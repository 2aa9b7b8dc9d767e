// mb timestamp: how new mirrors are by their stamp files, beside the source's own.
#include <fmt/core.h>

#include <algorithm>

#include "db/mirror/stamps.h"
#include "db/tree_view.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::vector<std::string> identifiers;
  bool json = false;
};

struct Row {
  std::string mirror;
  db::MirrorStamp stamp;
  std::optional<std::int64_t> behind_s;
};

std::vector<Row> rows_of(Context& context, const Wanted& wanted,
                         const std::optional<std::int64_t>& source_s) {
  db::Connection& connection = context.database();
  const std::vector<db::MirrorRecord> records = wanted.identifiers.empty()
                                                    ? db::list_mirrors(connection)
                                                    : require_mirrors(context, wanted.identifiers);
  const std::vector<db::MirrorStamp> stamps = db::read_stamps(connection);
  std::vector<Row> rows;
  for (const db::MirrorRecord& record : records)
    for (const db::MirrorStamp& stamp : stamps) {
      if (stamp.mirror_id != record.mirror.id) continue;
      Row& row = rows.emplace_back(Row{record.mirror.identifier, stamp, std::nullopt});
      if (stamp.at_s && source_s) row.behind_s = std::max<std::int64_t>(0, *source_s - *stamp.at_s);
    }
  return rows;
}

void say_table(const std::vector<Row>& rows, const std::optional<std::int64_t>& source_s) {
  Table table({{"MIRROR"}, {"STAMP"}, {"BEHIND"}, {"READ"}, {"FILE"}, {"REMARK"}});
  if (source_s) table.add({"(source)", utc_minute(*source_s), "", "", "", ""});
  for (const Row& row : rows) {
    table.add({row.mirror, row.stamp.at_s ? utc_minute(*row.stamp.at_s) : "-",
               row.behind_s ? age_text(*row.behind_s) : "-", utc_minute(row.stamp.asked_s),
               row.stamp.path, row.stamp.fault});
  }
  if (!table.empty()) table.say();
}

int run(Context& context, const Wanted& wanted) {
  const auto source_s = db::newest_source_stamp(context.database());
  const std::vector<Row> rows = rows_of(context, wanted, source_s);
  if (wanted.json) {
    auto list = nlohmann::json::array();
    for (const Row& row : rows)
      list.push_back({{"mirror", row.mirror},
                      {"stamp", time_json(row.stamp.at_s)},
                      {"behind_s", row.behind_s ? nlohmann::json(*row.behind_s) : nlohmann::json()},
                      {"read", time_json(row.stamp.asked_s)},
                      {"path", row.stamp.path},
                      {"fault", row.stamp.fault}});
    say_json({{"source", time_json(source_s)}, {"mirrors", list}});
    return kSuccess;
  }
  say_table(rows, source_s);
  if (rows.empty())
    complain("no stamp was read; see stamp_path in mb.toml(5), which mb-probe --loop reads");
  return kSuccess;
}

}  // namespace

Action setup_timestamp(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("identifiers", wanted->identifiers, "Of these mirrors; without one, of all")
      ->type_name("IDENT");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
