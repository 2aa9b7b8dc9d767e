#include "scanner/scan/file_question.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "core/path.h"
#include "core/readable.h"
#include "core/text_table.h"
#include "db/lookup.h"
#include "db/path_rules.h"
#include "scanner/check/check_options.h"
#include "scanner/scan/web_looks.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/json.h"
#include "tools/cli/progress_line.h"
#include "tools/cli/terminal.h"

namespace mirror::scanner {
namespace {

using Json = cli::OrderedJson;

struct Asked {
  db::ProbeFile file;  // the real path
  bool known = false;
  std::vector<MirrorId> holders;  // by the database; sorted

  bool should_have(const db::MirrorRecord& record) const {
    return std::binary_search(holders.begin(), holders.end(), record.mirror.id);
  }
};

Asked looked_up(db::Connection& connection, const std::string& path) {
  Asked asked;
  asked.file.path = path;
  const db::FoundFile found = db::find_file(connection, path);
  if (found.found != Found::file) return asked;
  if (const auto file = db::ProbeFiles::at_path(connection, found.file.path)) {
    asked.file = *file;
    asked.known = true;
    asked.holders = found.mirrors;
    std::sort(asked.holders.begin(), asked.holders.end());
  }
  return asked;
}

// By the scheme that is asked for; else by https where the mirror has it, as most clients come.
std::optional<WebLook> look_for(const db::MirrorRecord& record, const Asked& asked,
                                const std::string& scheme) {
  const Mirror& mirror = record.mirror;
  WebLook look;
  look.record = &record;
  look.way.https = scheme.empty() ? !mirror.https_url.empty() : scheme == "https";
  look.way.family = mirror.ipv4 ? Family::ipv4 : Family::ipv6;
  look.file = asked.file;
  look.is_known = asked.known;
  if ((look.way.https ? mirror.https_url : mirror.http_url).empty()) return std::nullopt;
  return look;
}

bool is_there(const WebLook& look) {
  return look.good() && (look.status == 200 || look.status == 206 || look.status == 416);
}

std::string size_text(const WebLook& look, const Asked& asked) {
  if (!look.size_bytes || look.status >= 400) return "-";
  const bool same = asked.known && *look.size_bytes == asked.file.size_bytes;
  return same ? "same" : grouped(*look.size_bytes);
}

std::string remark(const WebLook& look) {
  if (!look.verdict.reason.empty()) return look.verdict.reason;
  return look.redirected_to.empty() ? "" : "from " + look.redirected_to;
}

std::string summary(const std::vector<WebLook>& looks, const Asked& asked) {
  const auto there = std::count_if(looks.begin(), looks.end(), is_there);
  std::string text =
      fmt::format("{}: {} of {} mirrors have it", printable(asked.file.path), there, looks.size());
  if (!asked.known) return text + "; the database does not know this file";
  const auto should = std::count_if(looks.begin(), looks.end(), [&](const WebLook& look) {
    return asked.should_have(*look.record);
  });
  return text + fmt::format(", {} by the database; {} bytes of {}", should,
                            grouped(asked.file.size_bytes),
                            utc_minute(asked.file.mtimes_s.front()));
}

void print_table(const std::vector<WebLook>& looks, const Asked& asked) {
  TextTable table({{"MIRROR"},
                   {"BY"},
                   {"STATUS", Align::right},
                   {"SIZE", Align::right},
                   {"LAST MODIFIED"},
                   {"LATENCY", Align::right},
                   {"DATABASE"},
                   {"REMARK"}});
  for (const WebLook& look : looks) {
    const bool came = look.latency.count() > 0 || look.status > 0;
    table.add({look.record->mirror.identifier, look.way.https ? "https" : "http",
               look.status > 0 ? std::to_string(look.status) : "-", size_text(look, asked),
               look.mtime_s && look.status < 400 ? utc_minute(*look.mtime_s) : "-",
               came ? fmt::format("{} ms", look.latency.count()) : "-",
               !asked.known                      ? "-"
               : asked.should_have(*look.record) ? "has it"
                                                 : "has it not",
               remark(look)});
  }
  fmt::print("{}{}\n", table.text(cli::output_columns()), summary(looks, asked));
}

Json look_json(const WebLook& look, const Asked& asked) {
  return {{"mirror", look.record->mirror.identifier},
          {"scheme", look.way.https ? "https" : "http"},
          {"there", is_there(look)},
          {"status", look.status > 0 ? Json(look.status) : Json(nullptr)},
          {"size", look.size_bytes ? Json(*look.size_bytes) : Json(nullptr)},
          {"last_modified", look.mtime_s ? Json(rfc3339(*look.mtime_s)) : Json(nullptr)},
          {"latency_ms", look.latency.count()},
          {"redirected_to", look.redirected_to.empty() ? Json(nullptr) : Json(look.redirected_to)},
          {"in_database", asked.known ? Json(asked.should_have(*look.record)) : Json(nullptr)},
          {"reason", look.verdict.reason.empty() ? Json(nullptr) : Json(look.verdict.reason)}};
}

void print_json(const std::vector<WebLook>& looks, const Asked& asked) {
  Json list = Json::array();
  for (const WebLook& look : looks) list.push_back(look_json(look, asked));
  const Json answer = {
      {"path", asked.file.path},
      {"known", asked.known},
      {"size", asked.known ? Json(asked.file.size_bytes) : Json(nullptr)},
      {"mtime", asked.known ? Json(rfc3339(asked.file.mtimes_s.front())) : Json(nullptr)},
      {"mirrors", list}};
  fmt::print("{}\n", cli::json_text(answer, 2));
}

}  // namespace

int ask_mirrors(db::Connection& connection, const std::vector<db::MirrorRecord>& mirrors,
                const ScanOptions& options, const StopSignal& stop) {
  const Asked asked = looked_up(connection, options.asked_path);
  const PathRules rules = db::load_path_rules(connection);
  std::vector<WebLook> looks;
  for (const db::MirrorRecord& record : mirrors)
    if (auto look = look_for(record, asked, options.asked_scheme))
      looks.push_back(std::move(*look));
  cli::ProgressLine progress(!options.json);
  ask_all(looks, rules, probe::check_options(options.instance, "mb-scan"), stop.fd(),
          [&](std::size_t done) {
            progress.draw(fmt::format("{} of {} mirrors answered", done, looks.size()));
          });
  progress.clear();
  if (stop.asked()) return cli::kFailed;
  options.json ? print_json(looks, asked) : print_table(looks, asked);
  return std::any_of(looks.begin(), looks.end(), is_there) ? cli::kDone : cli::kFailed;
}

}  // namespace mirror::scanner
