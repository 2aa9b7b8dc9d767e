// mb db sizes, mb db vacuum, mb db shell: the tables as PostgreSQL sees them.
#include <fmt/core.h>

#include <memory>

#include "db/session.h"
#include "db/table_sizes.h"
#include "tools/cli/progress_line.h"
#include "tools/mb/commands.h"
#include "tools/mb/db/db_programs.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

std::string rows_text(const db::TableSize& size) {
  return size.rows < 0 ? "?" : grouped(size.rows);
}

void say_table(const std::vector<db::TableSize>& sizes, std::int64_t whole) {
  Table table({{"TABLE"},
               {"ROWS", Align::right},
               {"DEAD", Align::right},
               {"SIZE", Align::right},
               {"INDEXES", Align::right}});
  for (const db::TableSize& size : sizes) {
    table.add({size.name, rows_text(size), grouped(size.dead_rows), bytes_text(size.bytes),
               bytes_text(size.index_bytes)});
  }
  table.say();
  say(fmt::format("the database: {}", bytes_text(whole)));
}

int sizes(Context& context, bool json) {
  const std::vector<db::TableSize> sizes = db::table_sizes(context.database());
  const std::int64_t whole = db::database_bytes(context.database());
  if (!json) {
    say_table(sizes, whole);
    return kSuccess;
  }
  nlohmann::json tables = nlohmann::json::array();
  for (const db::TableSize& size : sizes) {
    tables.push_back({{"name", size.name},
                      {"rows", size.rows < 0 ? nlohmann::json() : nlohmann::json(size.rows)},
                      {"dead_rows", size.dead_rows},
                      {"bytes", size.bytes},
                      {"index_bytes", size.index_bytes}});
  }
  say_json({{"database_bytes", whole}, {"tables", tables}});
  return kSuccess;
}

int vacuum(Context& context, bool whole) {
  db::Connection& connection = context.database();
  const std::int64_t before = db::database_bytes(connection);
  {
    cli::ProgressLine progress(true);
    for (const db::TableSize& size : db::table_sizes(connection)) {
      progress.draw(fmt::format("{} ({})", size.name, bytes_text(size.bytes + size.index_bytes)));
      db::vacuum(connection, size.name, whole);
    }
  }
  const std::int64_t after = db::database_bytes(connection);
  say(fmt::format("the database: {}, before {}", bytes_text(after), bytes_text(before)));
  return kSuccess;
}

int shell(Context& context, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"psql"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  become_postgres_program(context, words, fmt::format("-csearch_path={}", db::kSchemaName));
}

}  // namespace

Action setup_db_sizes(cli::Options& app, Context& context) {
  auto json = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "Print JSON");
  return [&context, json] { return sizes(context, *json); };
}

Action setup_db_vacuum(cli::Options& app, Context& context) {
  auto whole = std::make_shared<bool>(false);
  app.add_flag("--full", *whole,
               "Give the room back to the disk; redirectors without a catalog, scans and the other "
               "tools wait meanwhile");
  return [&context, whole] { return vacuum(context, *whole); };
}

Action setup_db_shell(cli::Options& app, Context& context) {
  return [&app, &context] { return shell(context, app.remaining()); };
}

}  // namespace mirror::mb
