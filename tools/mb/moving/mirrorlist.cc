// mb mirrorlist: a page that lists the mirrors of the tree or of a part of it, for people and
// programs, as HTML, text or JSON. It names everybody who has something, by region and country.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "core/http_date.h"
#include "core/path.h"
#include "core/url.h"
#include "db/lookup.h"
#include "db/tree_view.h"
#include "rank/may_serve.h"
#include "render/markup.h"
#include "render/mirror_list_style.h"
#include "tools/mb/commands.h"
#include "tools/mb/files/tree_file.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string path, format = "html", title;
  bool whole = false;  // only mirrors with all of it
};

struct Listed {
  const Mirror* mirror = nullptr;  // of the table
  int percent = 0;                 // of the files
  std::string region, country;     // as people read them
  std::vector<std::string> urls;   // of the folder or file, https first
};

struct List {
  std::string path, title;
  db::HeldBelow held;
  std::vector<Listed> mirrors;
};

std::string region_words(Region region) {
  static const std::map<Region, const char*> kNames = {
      {Region::AF, "Africa"},       {Region::AN, "Antarctica"},    {Region::AS, "Asia"},
      {Region::EU, "Europe"},       {Region::NA, "North America"}, {Region::OC, "Oceania"},
      {Region::SA, "South America"}};
  const auto found = kNames.find(region);
  return found == kNames.end() ? "Elsewhere" : found->second;
}

std::string country_words(CountryCode country) {
  if (country.everyone()) return "Worldwide";
  const std::string_view name = name_of(country);
  return std::string(name.empty() ? country.text() : name);
}

Listed listed(const Mirror& mirror, std::int64_t files, const List& list) {
  Listed one;
  one.mirror = &mirror;
  one.percent = static_cast<int>(100 * files / std::max<std::int64_t>(list.held.files, 1));
  one.region = mirror.country.everyone() ? "Worldwide" : region_words(mirror.region);
  one.country = country_words(mirror.country);
  const std::string below = list.path.empty() || list.held.is_file ? list.path : list.path + '/';
  for (const std::string& base : {mirror.https_url, mirror.http_url})
    if (!base.empty()) one.urls.push_back(below.empty() ? base : file_url(base, below));
  return one;
}

// Those that take redirects, and have some of it or all.
List listed_mirrors(Context& context, const Wanted& wanted, const MirrorTable& mirrors) {
  List list;
  list.path = tree_path_or_root(wanted.path, "a path");
  list.held = db::held_below(context.database(), list.path);
  if (list.held.files == 0)
    throw Failure(list.path.empty()
                      ? "no files in the table"
                      : fmt::format("no files at or below '{}' in the table", list.path));
  list.title = !wanted.title.empty() ? wanted.title
               : list.path.empty()   ? "Mirrors"
                                     : "Mirrors of " + list.path + (list.held.is_file ? "" : "/");
  for (const auto& [id, files] : list.held.by_mirror) {
    const Mirror* const mirror = mirrors.find(id);
    if (mirror == nullptr || serves_nobody(*mirror)) continue;
    if (!wanted.whole || files == list.held.files)
      list.mirrors.push_back(listed(*mirror, files, list));
  }
  std::sort(list.mirrors.begin(), list.mirrors.end(), [](const Listed& a, const Listed& b) {
    return std::tie(a.region, a.country, a.mirror->identifier) <
           std::tie(b.region, b.country, b.mirror->identifier);
  });
  return list;
}

void write_operator(MarkupWriter& html, const Mirror& mirror) {
  const std::string_view name =
      mirror.operator_name.empty() ? url_authority(mirror.operator_url) : mirror.operator_name;
  if (name.empty()) return;
  html.raw(" <span class=\"by\">");
  if (mirror.operator_url.empty())
    html.text(name);
  else
    html.element("a", name, {{"href", mirror.operator_url}});
  html.raw("</span>");
}

void write_mirror(MarkupWriter& html, const Listed& one) {
  html.raw("<li><span class=\"host\">");
  for (std::size_t i = 0; i < one.urls.size(); ++i) {
    if (i == 0)
      html.element("a", url_authority(one.urls[0]), {{"href", one.urls[0]}});
    else
      html.raw(" ").element("a", "http", {{"class", "also"}, {"href", one.urls[i]}});
  }
  html.raw("</span> ").element("span", one.country, {{"class", "where"}});
  if (one.percent < 100)
    html.raw(" ").element("span", fmt::format("{} %", one.percent), {{"class", "far"}});
  write_operator(html, *one.mirror);
  html.raw("</li>\n");
}

std::string html_page(const List& list) {
  std::string page;
  MarkupWriter html(page, Markup::html);
  html.raw(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
  html.text(list.title)
      .raw("</title>\n<meta name=\"color-scheme\" content=\"light dark\">\n<style>");
  html.raw(kMirrorListStyle).raw("</style>\n</head>\n<body>\n<main>\n<h1>").text(list.title);
  const std::string now = utc_timestamp(std::time(nullptr));
  html.raw("</h1>\n<p class=\"facts\">")
      .text(fmt::format("{} mirrors, {} files · as of ", grouped(std::ssize(list.mirrors)),
                        grouped(list.held.files)))
      .element("time", now.substr(0, 10), {{"datetime", now}})
      .raw("</p>\n");
  for (std::size_t at = 0; at < list.mirrors.size();) {
    const std::string& region = list.mirrors[at].region;
    html.raw("<section class=\"card\">\n").element("h2", region).raw("\n<ol>\n");
    for (; at < list.mirrors.size() && list.mirrors[at].region == region; ++at)
      write_mirror(html, list.mirrors[at]);
    html.raw("</ol>\n</section>\n");
  }
  html.raw("</main>\n</body>\n</html>\n");
  return page;
}

std::string text_list(const List& list) {
  std::string text;
  for (const Listed& one : list.mirrors) text += one.urls.front() + "\n";
  return text;
}

nlohmann::json json_list(const List& list) {
  auto mirrors = nlohmann::json::array();
  for (const Listed& one : list.mirrors) {
    mirrors.push_back({{"mirror", one.mirror->identifier},
                       {"region", region_code(one.mirror->region)},
                       {"country", one.mirror->country.text()},
                       {"percent", one.percent},
                       {"urls", one.urls},
                       {"ipv4", one.mirror->ipv4},
                       {"ipv6", one.mirror->ipv6},
                       {"operator_name", one.mirror->operator_name},
                       {"operator_url", one.mirror->operator_url}});
  }
  nlohmann::json json = {{"files", list.held.files},
                         {"size", list.held.size_bytes},
                         {"at", rfc3339(std::time(nullptr))},
                         {"mirrors", mirrors}};
  put_bytes(json, "path", list.path);
  return json;
}

int run(Context& context, const Wanted& wanted) {
  const auto mirrors = db::load_mirrors(context.database());
  const List list = listed_mirrors(context, wanted, *mirrors);
  if (wanted.format == "json")
    say_json(json_list(list));
  else
    say_lines(wanted.format == "text" ? text_list(list) : html_page(list));
  if (!list.mirrors.empty()) return kSuccess;
  complain("no mirror that takes redirects has it");
  return kFailure;
}

}  // namespace

Action setup_mirrorlist(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("path", wanted->path, "Of this folder or file; without it, of the whole tree")
      ->type_name("PATH");
  app.add_option("--format", wanted->format, "The list's form (html)")
      ->one_of({"html", "text", "json"})
      ->type_name("FORMAT");
  app.add_option("--title", wanted->title, "The page's title")->type_name("TEXT");
  app.add_flag("--whole", wanted->whole, "Only mirrors that have all of its files");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
