// mb file ls: the files of the file table, and the mirrors that have them.
#include <fmt/format.h>

#include "core/path.h"
#include "db/files.h"
#include "db/lookup.h"
#include "db/tree_view.h"
#include "rank/may_serve.h"
#include "tools/mb/commands.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

constexpr int kPageRows = 2000;

struct Wanted {
  std::string pattern;
  std::optional<std::string> missing_on, outdated_on;  // mirrors
  std::optional<std::string> begin;                    // to be completed
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

db::FileFilter filter_of(Context& context, const Wanted& wanted) {
  if (wanted.missing_on && wanted.outdated_on)
    throw UsageError("file ls: give --missing-on or --outdated-on, not both");
  db::FileFilter filter;
  if (wanted.missing_on) filter.missing_on = require_mirror(context, *wanted.missing_on).mirror.id;
  if (wanted.outdated_on)
    filter.outdated_on = require_mirror(context, *wanted.outdated_on).mirror.id;
  return filter;
}

// Why nothing was found. Nothing to find is good where a mirror should lack nothing.
int say_nothing(const Wanted& wanted) {
  if (wanted.missing_on || wanted.outdated_on) {
    complain(wanted.missing_on ? "it lacks none of these files"
                               : "it had none of these files in an old version at its last full "
                                 "scan, as far as the database keeps that");
    return kSuccess;
  }
  complain(wanted.pattern.empty() ? "no files in the table; mb-scan --source lists them"
                                  : fmt::format("no file '{}' in the table", wanted.pattern));
  return kFailure;
}

// For shells, which ask at each press of a key.
int complete(Context& context, const std::string& begin) {
  constexpr std::size_t kMost = 500;
  for (const std::string& path : db::completions(context.database(), begin, kMost))
    if (printable(path) == path) say(path);  // no shell could take it by a line
  return kSuccess;
}

int run(Context& context, const Wanted& wanted) {
  if (wanted.begin) return complete(context, *wanted.begin);
  const db::FileFilter filter = filter_of(context, wanted);
  db::Connection& connection = context.database();
  const auto mirrors = db::load_mirrors(connection);
  std::string after;
  auto list = nlohmann::json::array();
  bool found = false;
  while (true) {
    const std::vector<db::ListedFile> page =
        db::list_files(connection, wanted.pattern, after, kPageRows, filter);
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
  return found ? kSuccess : say_nothing(wanted);
}

}  // namespace

Action setup_file_ls(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("pattern", wanted->pattern,
                 "A path, a folder with '/' at its end, or a pattern: * stands for any characters "
                 "('/' too), ? for one byte; without it, all files")
      ->type_name("PATH-or-GLOB");
  app.add_option("--missing-on", wanted->missing_on,
                 "Only current files that this mirror does not have")
      ->type_name("IDENT");
  app.add_option("--outdated-on", wanted->outdated_on,
                 "Only files that this mirror's last full scan found in an old version")
      ->type_name("IDENT");
  app.add_option("--complete", wanted->begin,
                 "Print only with what paths that begin so go on, for shells")
      ->type_name("TEXT");
  app.add_flag("--mirrors", wanted->mirrors, "Name the mirrors that have it");
  app.add_flag("--json", wanted->json, "As JSON, with the mirrors");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
