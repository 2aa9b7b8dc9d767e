#include "scanner/scan/scan_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/path.h"
#include "core/place.h"
#include "core/url.h"
#include "scanner/rsync/rsync_command.h"

namespace mirror::scanner {
namespace {

constexpr const char* kFooter =
    "\nExit status: 0 all worked, 1 some failed or found nothing, 2 none worked or wrong usage, 3 "
    "wrong "
    "configuration or no database.\n"
    "Examples:\n"
    "  mb-scan --source              list the source into the file table\n"
    "  mb-scan ftp.example.org       scan one mirror\n"
    "  mb-scan --work                scan what is due, for ever\n"
    "  mb-scan --all -j 8            scan every enabled mirror, eight at a time\n"
    "  mb-scan -d pool/main NAME     scan a part of a mirror\n"
    "  mb-scan NAME --from FILE      take a report that the mirror's own admin made";

// What the command line says, before the configuration is under it.
struct Given {
  std::optional<int> jobs, connect_timeout_s, idle_timeout_s, hash_touched_s;
  std::optional<double> max_shrink_percent, max_change_percent;
  std::optional<std::int64_t> max_entries;
};

constexpr double kDayS = 86400;

void add_options(cli::Options& app, ScanOptions& options, Given& given) {
  app.add_option("NAME", options.names, "mirrors to scan, by identifier");
  app.add_flag("--all", options.all, "scan every enabled mirror");
  app.add_flag("--source", options.source, "list the source into the file table");
  app.add_flag(
      "--watch", options.watch,
      "list the source, then each folder of it in which something changes, until told to stop");
  app.add_flag("--work", options.work,
               "scan the mirrors that are due, beside any number of other workers, until told to "
               "stop");
  app.add_flag("--once", options.once, "a worker ends when nothing is due any more");
  app.add_option("--near", options.near,
                 "a worker takes mirrors of this region (EU) or country (DE) first")
      ->type_name("CODE");
  app.add_flag("--queue", options.queue, "show which mirrors are due when, and who works on them");
  app.add_option("--discover", options.discovered_url,
                 "show what the mirror at this http or https URL offers, and whether it has the "
                 "source's files")
      ->type_name("URL");
  app.add_option("--rsync-host", options.rsync_host,
                 "where --discover looks for the mirror's rsync server, if not at the URL's host")
      ->type_name("HOST[:PORT]");
  app.add_option("--ftp-host", options.ftp_host, "the same of its FTP server")
      ->type_name("HOST[:PORT]");
  app.add_option("--within", options.within_s, "seconds that --discover may take")
      ->between(1, 600)
      ->type_name("S");
  app.add_flag("--test", options.test,
               "show whether the mirrors answer now, have some of their files and can be listed; "
               "write nothing");
  app.add_option("--files", options.test_files, "files that --test asks each mirror for")
      ->between(0, 100)
      ->type_name("N");
  app.add_option("--ask", options.asked_path,
                 "ask mirrors for this file: those named, else every enabled one, and with "
                 "--all disabled ones too; write nothing")
      ->type_name("PATH");
  app.add_option("--urltype", options.asked_scheme,
                 "by which scheme --ask asks, if not by https where a mirror has it")
      ->one_of({"http", "https"});
  app.add_option("-d,--directory", options.subtree, "scan only this part of the tree")
      ->type_name("SUBTREE");
  app.add_option("--from", options.report,
                 "take the mirror's own report from this file instead of listing it; -: standard "
                 "input")
      ->type_name("FILE");
  app.add_option("-j,--jobs", given.jobs, "mirrors scanned at a time")
      ->between(1, 256)
      ->type_name("N");
  app.add_flag("--enable", options.enable, "enable a mirror after a good scan");
  app.add_flag("--force", options.force,
               "merge even what --max-shrink or --max-change would refuse, compare even what looks "
               "unchanged");
  app.add_flag("--break-lock", options.break_lock,
               "end another scan of the same mirror or source that is still running");
  app.add_option("--max-shrink", given.max_shrink_percent,
                 "refuse a scan that loses more of a mirror's files")
      ->between(0, 100)
      ->type_name("PERCENT");
  app.add_option("--max-change", given.max_change_percent,
                 "hold a source that changes or loses more of its files")
      ->between(0, 100)
      ->type_name("PERCENT");
  app.add_option("--hash-touched", given.hash_touched_s,
                 "seconds to hash touched files of the source in; 0 leaves them to mb-hash")
      ->between(0, kDayS)
      ->type_name("S");
  app.add_option("--rsync-option", options.rsync_options, "a further option for rsync (repeatable)")
      ->one_word_each()
      ->type_name("OPT");
  app.add_option("--password-file", options.password_file, "file with the rsync password")
      ->type_name("FILE");
  app.add_option("--connect-timeout", given.connect_timeout_s,
                 "seconds until a server must have answered")
      ->between(1, kDayS)
      ->type_name("S");
  app.add_option("--idle-timeout", given.idle_timeout_s, "seconds that a server may be silent")
      ->between(1, kDayS)
      ->type_name("S");
  app.add_option("--max-entries", given.max_entries, "refuse a listing with more entries")
      ->between(1, std::int64_t{1} << 40)
      ->type_name("N");
}

template <typename T>
void take(T& setting, const std::optional<T>& given) {
  if (given) setting = *given;
}

bool is_region_or_country(const std::string& text) {
  const std::optional<Region> region = parse_region(text);
  if (region && region_code(*region) == text) return true;
  const std::optional<CountryCode> country = CountryCode::parse(text);
  return country && country->text() == text && !name_of(*country).empty();
}

// The same of those for the queue; nullptr: nothing.
const char* queue_fault(const ScanOptions& options) {
  if (!options.work && (options.once || !options.near.empty()))
    return "--once and --near go with --work";
  if (!options.near.empty() && !is_region_or_country(options.near))
    return "--near: expected a region or country, as EU or DE";
  if (!options.work && !options.queue) return nullptr;
  if (options.work && options.queue) return "give --work or --queue, not both";
  if (options.source || options.watch || options.all || !options.names.empty() ||
      !options.subtree.empty() || !options.report.empty() || options.enable || options.force ||
      options.break_lock)
    return "--work and --queue are about what is due: they take no names, --all, --source, -d, "
           "--from, --enable, --force or --break-lock";
  return nullptr;
}

// The same of those for --discover.
std::string discovery_fault(ScanOptions& options) {
  if (options.source || options.watch || options.all || !options.names.empty() ||
      !options.subtree.empty() || !options.report.empty() || options.enable || options.force ||
      options.break_lock || options.work || options.queue)
    return "--discover is about one URL: it takes no names and nothing else to do";
  if (!options.discovered_url.ends_with('/')) options.discovered_url += '/';
  if (const UrlFault wrong = check_url(options.discovered_url, UrlKind::web_base)) {
    return fmt::format("--discover '{}': it cannot be used: {}",
                       printable(without_password(options.discovered_url)), wrong.text());
  }
  for (const std::string* const host : {&options.rsync_host, &options.ftp_host}) {
    if (host->empty()) continue;
    if (const UrlFault wrong = check_host_and_port(*host))
      return fmt::format("'{}' is no HOST or HOST:PORT: {}", printable(*host), wrong.text());
  }
  return "";
}

// The same of those for --test and --ask.
std::string look_fault(ScanOptions& options) {
  if (options.source || options.watch || !options.subtree.empty() || !options.report.empty() ||
      options.enable || options.force || options.break_lock || options.work || options.queue ||
      (options.test && !options.asked_path.empty()))
    return "--test and --ask only look at mirrors: they take names, --all and nothing else to do";
  if (options.all && !options.names.empty()) return "give --all or names of mirrors, not both";
  if (options.test)
    return options.all || !options.names.empty() ? "" : "--test needs names of mirrors, or --all";
  std::string& path = options.asked_path;
  path.erase(0, std::min(path.find_first_not_of('/'), path.size()));
  const PathFault wrong = check_path(path);
  return wrong == PathFault::none
             ? ""
             : fmt::format("--ask {}: {}", printable(path), path_fault_text(wrong));
}

// What is wrong with the options taken together; "" when nothing is.
std::string fault(ScanOptions& options) {
  if (!options.discovered_url.empty()) return discovery_fault(options);
  if (options.test || !options.asked_path.empty()) return look_fault(options);
  if (!options.asked_scheme.empty()) return "--urltype goes with --ask";
  if (!options.rsync_host.empty() || !options.ftp_host.empty())
    return "--rsync-host and --ftp-host go with --discover";
  if (const char* const wrong = queue_fault(options)) return wrong;
  if (options.work || options.queue) return "";
  if (!options.source && !options.all && options.names.empty()) {
    return "nothing to do: name mirrors, or say --all for every enabled mirror, or --source for "
           "the source";
  }
  if (options.source && (options.all || !options.names.empty()))
    return "--source cannot be combined with mirrors: scan them with another call";
  if (options.break_lock && options.all) return "--break-lock needs names of mirrors, or --source";
  if (options.all && !options.names.empty()) return "give --all or names of mirrors, not both";
  if (options.watch && (!options.source || !options.subtree.empty() || options.break_lock))
    return "--watch goes with --source, and with neither -d nor --break-lock";
  if (!options.report.empty() && (options.source || options.all || options.names.size() != 1))
    return "--from needs the name of one mirror";
  if (options.source && options.enable) return "--enable is for mirrors, not for --source";
  while (options.subtree.ends_with('/')) options.subtree.pop_back();
  if (!options.subtree.empty()) {
    const PathFault path = check_path(options.subtree);
    if (path != PathFault::none)
      return fmt::format("-d {}: {}", printable(options.subtree), path_fault_text(path));
  }
  for (const std::string& option : options.rsync_options) {
    const std::optional<std::string> wrong = rsync_option_fault(option);
    if (wrong) return fmt::format("--rsync-option {}: {}", printable(option), *wrong);
  }
  return "";
}

}  // namespace

std::variant<ScanOptions, int> parse_options(int argc, char** argv) {
  ScanOptions options;
  Given given;
  cli::CommandLine line(
      "mb-scan", "Lists the source and the mirrors, and records which mirror has which files.",
      kFooter);
  add_options(line.options(), options, given);
  const std::optional<int> status =
      line.parse(argc, argv, options, [&options] { return fault(options); });
  if (status) return *status;
  Instance& instance = options.instance = load_instance(options.config_file, options.instance_name);
  take(instance.jobs, given.jobs);
  take(instance.connect_timeout_s, given.connect_timeout_s);
  take(instance.idle_timeout_s, given.idle_timeout_s);
  take(instance.max_shrink_percent, given.max_shrink_percent);
  take(instance.max_change_percent, given.max_change_percent);
  take(instance.max_entries, given.max_entries);
  take(instance.hash_touched_s, given.hash_touched_s);
  std::sort(options.names.begin(), options.names.end());
  options.names.erase(std::unique(options.names.begin(), options.names.end()), options.names.end());
  return options;
}

}  // namespace mirror::scanner
