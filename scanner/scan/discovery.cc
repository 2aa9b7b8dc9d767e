#include "scanner/scan/discovery.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "core/path.h"
#include "db/schema.h"
#include "db/source_sample.h"
#include "scanner/discover/discover.h"
#include "scanner/list/method.h"
#include "scanner/scan/afterwards.h"
#include "scanner/scan/ways.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/json.h"
#include "tools/cli/progress_line.h"

namespace mirror::scanner {
namespace {

using Json = cli::OrderedJson;

constexpr std::size_t kFiles = 6;      // of the source, that the mirror is asked for
constexpr int kChecks = 5;             // that may last as long as they can, in the time for all
constexpr std::size_t kTopNames = 50;  // of the source, that are looked for in a folder

void print_line(const Json& line) {
  fmt::print("{}\n", cli::json_text(line));
  std::fflush(stdout);  // who reads it shows the progress
}

void print(const discover::Findings& found) {
  for (const auto& [column, value] : found.columns)
    fmt::print("{}: {}\n", column, printable(value));
  for (const std::string& line : found.lines) fmt::print("  {}\n", line);
  for (const std::string& trouble : {found.warning, found.refusal}) {
    if (!trouble.empty()) fmt::print(stderr, "mb-scan: {}\n", trouble);
  }
}

void print_json(const discover::Findings& found) {
  Json columns = Json::object();
  for (const auto& [column, value] : found.columns) columns[column] = value;
  print_line({{"columns", columns},
              {"lines", found.lines},
              {"warning", found.warning},
              {"refusal", found.refusal}});
}

discover::Question question_of(const ScanOptions& options, const StopSignal& stop) {
  const Target target = base_target(options.discovered_url, kWebMethod, options);
  discover::Question question;
  question.url = target.url;
  question.rsync_host = options.rsync_host;
  question.ftp_host = options.ftp_host;
  question.user_agent = target.user_agent;
  question.ca_file = target.ca_file;
  question.own_urls = target.server_urls;
  question.one_check = std::chrono::milliseconds(std::chrono::seconds(options.within_s)) / kChecks;
  question.end = discover::Clock::now() + std::chrono::seconds(options.within_s);
  question.stop_fd = stop.fd();
  return question;
}

}  // namespace

int show_discovery(const ScanOptions& options, const StopSignal& stop) {
  db::SourceSample source;
  {
    db::Connection connection = connect(options, stop);
    db::require_schema(connection);
    source = db::sample_source(connection, kFiles, kTopNames);
  }
  cli::ProgressLine progress(!options.json);
  const auto step = [&](const std::string& what) {
    if (options.json)
      print_line({{"step", what}});
    else
      progress.draw(fmt::format("looking at {}", printable(what)));
  };
  const discover::Findings found = discover::discover(question_of(options, stop), source, step);
  progress.clear();
  if (stop.asked()) return cli::kFailed;
  options.json ? print_json(found) : print(found);
  return found.refusal.empty() ? cli::kDone : cli::kFailed;
}

}  // namespace mirror::scanner
