#include "scanner/scan/mirror_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <set>
#include <utility>

#include "core/http_date.h"
#include "core/path.h"
#include "core/readable.h"
#include "core/text_table.h"
#include "core/url.h"
#include "db/path_rules.h"
#include "scanner/check/check_options.h"
#include "scanner/list/method.h"
#include "scanner/scan/listing_look.h"
#include "scanner/scan/web_looks.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/json.h"
#include "tools/cli/progress_line.h"
#include "tools/cli/terminal.h"

namespace mirror::scanner {
namespace {

using Json = cli::OrderedJson;

constexpr std::int64_t kSoon_s = 14 * 86400;  // a certificate that ends by then is worth a word
constexpr int kTries = 4;                     // to choose another file for each that is wanted

struct TestedWay {
  WebLook base;
  std::vector<WebLook> files;
  bool well() const { return !is_bad(base) && std::none_of(files.begin(), files.end(), is_bad); }
  static bool is_bad(const WebLook& look) { return !look.good() && !look.cannot_tell(); }
};

struct TestedListing {
  ListingWay way;
  ListingLook look;
};

struct Tested {
  const db::MirrorRecord* record = nullptr;
  std::vector<TestedWay> ways;
  std::vector<TestedListing> listings;
  std::string trouble;  // that is no answer's
  bool well() const {
    return trouble.empty() &&
           std::all_of(ways.begin(), ways.end(), [](const auto& way) { return way.well(); }) &&
           std::all_of(listings.begin(), listings.end(),
                       [](const auto& listing) { return listing.look.good; });
  }
};

std::vector<db::ProbeFile> some_files(db::Connection& connection, db::ProbeFiles& files,
                                      MirrorId id, int wanted) {
  std::vector<db::ProbeFile> chosen;
  std::set<std::int64_t> ids;
  for (int i = 0; i < wanted * kTries && std::ssize(chosen) < wanted; ++i) {
    std::optional<db::ProbeFile> file = files.choose(connection, id, true);
    if (!file) break;
    if (ids.insert(file->id).second) chosen.push_back(std::move(*file));
  }
  return chosen;
}

Tested prepared(db::Connection& connection, db::ProbeFiles& files, const db::MirrorRecord& record,
                int wanted) {
  Tested tested;
  tested.record = &record;
  const Mirror& mirror = record.mirror;
  const std::vector<db::ProbeFile> chosen = some_files(connection, files, mirror.id, wanted);
  for (const Way way :
       probe::claimed_ways(mirror.http_url, mirror.https_url, mirror.ipv4, mirror.ipv6)) {
    WebLook base;
    base.record = &record;
    base.way = way;
    base.family = way.family;
    TestedWay& added = tested.ways.emplace_back();
    added.base = base;
    for (const db::ProbeFile& file : chosen) {
      added.files.push_back(base);
      added.files.back().file = file;
    }
  }
  for (const ListingWay& way : ways_to_list(record)) tested.listings.push_back({way, {}});
  if (tested.ways.empty()) tested.trouble = "it has no http or https URL for its address families";
  return tested;
}

// The servers are asked together; who answers is put back to its mirror.
void ask_web(std::vector<Tested>& mirrors, const PathRules& rules, const ScanOptions& options,
             const StopSignal& stop, cli::ProgressLine& progress) {
  std::vector<WebLook> all;
  for (const Tested& tested : mirrors)
    for (const TestedWay& way : tested.ways) {
      all.push_back(way.base);
      all.insert(all.end(), way.files.begin(), way.files.end());
    }
  ask_all(all, rules, probe::check_options(options.instance, "mb-scan"), stop.fd(),
          [&](std::size_t done) {
            progress.draw(fmt::format("{} of {} requests answered", done, all.size()));
          });
  std::size_t next = 0;
  for (Tested& tested : mirrors)
    for (TestedWay& way : tested.ways) {
      way.base = std::move(all[next++]);
      for (WebLook& file : way.files) file = std::move(all[next++]);
    }
}

void try_listings(db::Connection& connection, std::vector<Tested>& mirrors,
                  const ScanOptions& options, const StopSignal& stop, cli::ProgressLine& progress) {
  for (Tested& tested : mirrors)
    for (TestedListing& listing : tested.listings) {
      if (stop.asked()) return;
      progress.draw(fmt::format("{}: listing by {}", printable(tested.record->mirror.identifier),
                                listing.way.method->name));
      listing.look = look_at_listing(connection, *tested.record, listing.way, options, stop.fd());
    }
}

std::string certificate_words(const WebLook& look, std::int64_t now_s) {
  if (!look.certificate_end_s) return "";
  const std::int64_t left_s = *look.certificate_end_s - now_s;
  const std::string day = utc_timestamp(*look.certificate_end_s).substr(0, 10);
  if (left_s < 0) return "ended " + day;
  return left_s < kSoon_s ? fmt::format("until {}: in {}", day, age_text(left_s)) : "until " + day;
}

// What is wrong over this way, or the host that it leads to.
std::string remark(const TestedWay& way) {
  if (!way.base.verdict.reason.empty()) return way.base.verdict.reason;
  for (const WebLook& file : way.files)
    if (!file.good()) return fmt::format("{}: {}", file.file->path, file.verdict.reason);
  if (way.files.empty()) return "no file is known here: not scanned, or it has none";
  const std::string& host = way.files.front().redirected_to;
  return host.empty() ? "" : "redirects to " + host;
}

std::string well_word(const TestedWay& way) {
  return way.base.cannot_tell() ? "unknown" : way.well() ? "ok" : "FAILS";
}

std::vector<std::string> way_cells(const std::string& name, const TestedWay& way,
                                   std::int64_t now_s) {
  const auto good = std::count_if(way.files.begin(), way.files.end(),
                                  [](const WebLook& look) { return look.good(); });
  const bool came = way.base.latency.count() > 0 || way.base.status > 0;
  return {name,
          way.base.way.text(),
          well_word(way),
          came ? std::to_string(way.base.status) : "-",
          came ? fmt::format("{} ms", way.base.latency.count()) : "-",
          way.files.empty() ? "-" : fmt::format("{} of {}", good, way.files.size()),
          certificate_words(way.base, now_s),
          remark(way)};
}

std::vector<std::string> listing_cells(const std::string& name, const TestedListing& listing) {
  const ListingLook& look = listing.look;
  const bool listed = look.entries > 0;
  return {name,
          fmt::format("list by {}", listing.way.method->name),
          look.good ? "ok" : "FAILS",
          "",
          listed ? fmt::format("{} ms", look.time.count()) : "-",
          listed ? fmt::format("{} of {}", look.known, look.files) : "-",
          "",
          look.reason};
}

void print_table(const std::vector<Tested>& mirrors) {
  const std::int64_t now_s = std::time(nullptr);
  TextTable table({{"MIRROR"},
                   {"WAY"},
                   {"STATE"},
                   {"STATUS", Align::right},
                   {"LATENCY", Align::right},
                   {"FILES", Align::right},
                   {"CERTIFICATE"},
                   {"REMARK"}});
  for (const Tested& tested : mirrors) {
    const std::string& name = tested.record->mirror.identifier;
    for (const TestedWay& way : tested.ways) table.add(way_cells(name, way, now_s));
    for (const TestedListing& listing : tested.listings) table.add(listing_cells(name, listing));
    if (!tested.trouble.empty()) table.add({name, "", "FAILS", "", "", "", "", tested.trouble});
  }
  fmt::print("{}", table.text(cli::output_columns()));
}

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json reason_json(const std::string& reason) {
  return reason.empty() ? Json(nullptr) : Json(reason);
}

Json way_json(const TestedWay& way) {
  Json files = Json::array();
  for (const WebLook& look : way.files) {
    files.push_back({{"path", look.file->path},
                     {"ok", look.good()},
                     {"status", look.status},
                     {"latency_ms", look.latency.count()},
                     {"reason", reason_json(look.verdict.reason)}});
  }
  const auto& end_s = way.base.certificate_end_s;
  return {{"way", way.base.way.text()},
          {"ok", way.base.cannot_tell() ? Json(nullptr) : Json(way.well())},
          {"status", way.base.status},
          {"latency_ms", way.base.latency.count()},
          {"address", way.base.address},
          {"certificate_end", end_s ? Json(rfc3339(*end_s)) : Json(nullptr)},
          {"reason", reason_json(way.base.verdict.reason)},
          {"files", files}};
}

Json listing_json(const TestedListing& listing) {
  return {{"method", listing.way.method->name},
          {"url", without_password(listing.way.url)},
          {"ok", listing.look.good},
          {"entries", listing.look.entries},
          {"files", listing.look.files},
          {"known", listing.look.known},
          {"ms", listing.look.time.count()},
          {"reason", reason_json(listing.look.reason)}};
}

void print_json(const std::vector<Tested>& mirrors) {
  Json list = Json::array();
  for (const Tested& tested : mirrors) {
    Json ways = Json::array(), listings = Json::array();
    for (const TestedWay& way : tested.ways) ways.push_back(way_json(way));
    for (const TestedListing& listing : tested.listings) listings.push_back(listing_json(listing));
    list.push_back({{"mirror", tested.record->mirror.identifier},
                    {"ok", tested.well()},
                    {"reason", reason_json(tested.trouble)},
                    {"ways", ways},
                    {"listings", listings}});
  }
  fmt::print("{}\n", cli::json_text(list, 2));
}

}  // namespace

int test_mirrors(db::Connection& connection, const std::vector<db::MirrorRecord>& mirrors,
                 const ScanOptions& options, const StopSignal& stop) {
  const PathRules rules = db::load_path_rules(connection);
  db::ProbeFiles files;
  files.sample(connection);
  std::vector<Tested> all;
  for (const db::MirrorRecord& record : mirrors)
    all.push_back(prepared(connection, files, record, options.test_files));
  cli::ProgressLine progress(!options.json);
  ask_web(all, rules, options, stop, progress);
  try_listings(connection, all, options, stop, progress);
  progress.clear();
  if (stop.asked()) return cli::kFailed;
  options.json ? print_json(all) : print_table(all);
  const bool well = std::all_of(all.begin(), all.end(), [](const Tested& t) { return t.well(); });
  return well ? cli::kDone : cli::kFailed;
}

}  // namespace mirror::scanner
