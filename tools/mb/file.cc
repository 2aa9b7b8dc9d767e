// mb file ls: the files of the file table, and the mirrors that have them.
#include <fmt/format.h>

#include "commands.h"
#include "core/path.h"
#include "db/files.h"
#include "db/lookup.h"
#include "output.h"
#include "rank/may_serve.h"
#include "record.h"

namespace mirror::mb {
namespace {

constexpr int kPageRows = 2000;

struct Wanted {
  std::string pattern;
  bool mirrors = false, json = false;
};

std::string state(const db::ListedFile& file) {
  if (file.gone_s) return "gone since " + utc_minute(*file.gone_s);
  if (file.staged) return "staged";
  return file.pending ? "pending" : file.is_link ? "link" : "";
}

// Which of the mirrors that have it take redirects.
std::vector<std::string> names_of(const db::ListedFile& file, const MirrorTable& table) {
  const bool with_stale = table.is_for_stale(file.path);
  std::vector<std::string> names;
  for (const MirrorId id : file.mirrors) {
    const Mirror* const mirror = table.find(id);
    if (mirror != nullptr && !serves_nobody(*mirror, with_stale))
      names.push_back(mirror->identifier);
  }
  return names;
}

nlohmann::json file_json(const db::ListedFile& file, const MirrorTable& table) {
  nlohmann::json json = {{"size", file.size_bytes},
                         {"mtime", rfc3339(file.mtime_s)},
                         {"staged", file.staged},
                         {"pending", file.pending},
                         {"gone_at", time_json(file.gone_s)},
                         {"mirrors", names_of(file, table)}};
  put_bytes(json, "path", file.path);
  if (file.is_link) put_bytes(json, "link_target", file.link_target);
  return json;
}

// A page at a time, so that ten million files need no more memory than ten; columns are aligned
// within a page.
void say_page(const std::vector<db::ListedFile>& page, const MirrorTable& mirrors,
              bool with_mirrors) {
  Table table({{"", Align::right}, {""}, {"", Align::right}, {""}, {""}});
  for (const db::ListedFile& file : page) {
    const std::vector<std::string> names = names_of(file, mirrors);
    std::string have = fmt::format("{} mirror{}", names.size(), names.size() == 1 ? "" : "s");
    if (with_mirrors)
      have =
          fmt::format("{}", names.empty() ? "no mirror" : fmt::format("{}", fmt::join(names, " ")));
    table.add({file.is_link ? "" : grouped(file.size_bytes),
               file.is_link ? "" : utc_minute(file.mtime_s), have, state(file),
               file.is_link ? file.path + " -> " + file.link_target : file.path});
  }
  table.say();
}

int run(Context& context, const Wanted& wanted) {
  db::Connection& connection = context.database();
  const auto mirrors = db::load_mirrors(connection);
  std::string after;
  auto list = nlohmann::json::array();
  bool found = false;
  while (true) {
    const std::vector<db::ListedFile> page =
        db::list_files(connection, wanted.pattern, after, kPageRows);
    if (page.empty()) break;
    found = true;
    after = page.back().path;
    if (!wanted.json) {
      say_page(page, *mirrors, wanted.mirrors);
    } else {
      for (const db::ListedFile& file : page) list.push_back(file_json(file, *mirrors));
    }
  }
  if (wanted.json) say_json(list);
  if (!found) complain(fmt::format("no file '{}' in the table", wanted.pattern));
  return found ? kSuccess : kFailure;
}

}  // namespace

Action setup_file_ls(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("pattern", wanted->pattern,
                 "A path, a folder with '/' at its end, or a pattern: * stands for any characters "
                 "('/' too), ? for one byte")
      ->required()
      ->type_name("PATH-or-GLOB");
  app.add_flag("--mirrors", wanted->mirrors, "Name the mirrors that have it");
  app.add_flag("--json", wanted->json, "As JSON, with the mirrors");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
