#include "scanner/discover/discover.h"

#include <fmt/format.h>

#include "core/path.h"
#include "scanner/discover/bucket_check.h"
#include "scanner/discover/patience.h"
#include "scanner/discover/tree_match.h"
#include "scanner/discover/ways_check.h"
#include "scanner/discover/web_check.h"

namespace mirror::scanner::discover {
namespace {

const char* yes_or_no(const std::optional<bool>& known) {
  return !known ? "cannot be told from here" : *known ? "yes" : "no";
}

class Discovery {
 public:
  Discovery(const Question& question, const db::SourceSample& source, const Step& step)
      : question_(question), source_(source), step_(step) {}

  Findings run() {
    look_at_ways();
    if (web_.base().empty()) return std::move(found_);
    look_for_files();
    note_ways();
    const bool by_rsync = look_for_rsync();
    if (!by_rsync && look_for_bucket()) return std::move(found_);
    const bool by_index = look_at_index();
    // Both tell more, and ask less.
    if (by_rsync || by_index) return std::move(found_);
    if (look_for_ftp()) return std::move(found_);
    if (is_over(question_)) {
      found_.warning =
          "the time was over before everything was looked for: give it more (--within)";
      return std::move(found_);
    }
    found_.set("head_url", web_.base());
    found_.lines.push_back("listed in no other way: mb-scan asks for each file by HEAD");
    return std::move(found_);
  }

 private:
  void look_at_ways();
  void look_for_files();
  FileFindings files_there();
  void note_ways();
  bool look_for_rsync();
  bool look_for_bucket();
  bool look_at_index();
  bool look_for_ftp();
  bool is_over_before(const char* what);

  const Question& question_;
  const db::SourceSample& source_;
  const Step& step_;
  WebFindings web_;
  Findings found_;
};

void Discovery::look_at_ways() {
  step_(question_.url);
  web_ = check_ways(question_, source_.files.empty() ? "" : source_.files.front().path);
  if (web_.base().empty()) {
    found_.refusal = fmt::format("{} does not answer: {}", question_.url, web_.why_not);
  }
}

void Discovery::note_ways() {
  if (!web_.http_url.empty()) found_.set("http_url", web_.http_url);
  if (!web_.https_url.empty()) found_.set("https_url", web_.https_url);
  if (web_.ipv4) found_.set("ipv4", *web_.ipv4 ? "true" : "false");
  if (web_.ipv6) found_.set("ipv6", *web_.ipv6 ? "true" : "false");
  found_.lines.push_back(
      fmt::format("http: {}; https: {}; HTTP/2: {}", web_.http_url.empty() ? "no" : "yes",
                  web_.https_url.empty() ? "no" : "yes", web_.http2 ? "yes" : "no"));
  found_.lines.push_back(
      fmt::format("IPv4: {}; IPv6: {}", yes_or_no(web_.ipv4), yes_or_no(web_.ipv6)));
  if (!web_.why_not.empty()) found_.lines.push_back(web_.why_not);
}

// At the URL that stays. Two schemes may be two virtual hosts.
FileFindings Discovery::files_there() {
  FileFindings files = check_files(question_, web_.base(), source_.files);
  if (web_.https_url.empty() || web_.http_url.empty()) return files;
  FileFindings by_http = check_files(question_, web_.http_url, source_.files);
  const std::string dropped = drop_other_tree(files, by_http, web_);
  if (!dropped.empty()) found_.lines.push_back(dropped);
  return web_.https_url.empty() ? by_http : files;
}

// Whether the mirror has our tree there.
void Discovery::look_for_files() {
  if (source_.files.empty()) {
    found_.warning =
        "the source has no files yet, so nothing shows whether this is a mirror of it "
        "(mb-scan --source lists it)";
    return;
  }
  step_("files of the source");
  const FileFindings files = files_there();
  found_.lines.push_back(
      fmt::format("{} of {} random files of the source are there", files.there, files.asked));
  if (files.there == files.asked) return;
  const std::string example =
      fmt::format("'{}': {}", printable(files.example), printable(files.words));
  if (files.there == 0) {
    found_.refusal = fmt::format("none of {} random files of the source is below {} ({})",
                                 files.asked, web_.base(), example);
  } else {
    found_.warning =
        fmt::format("{} of {} random files of the source are missing or different ({})",
                    files.asked - files.there, files.asked, example);
  }
}

bool Discovery::is_over_before(const char* what) {
  if (!is_over(question_)) return false;
  found_.lines.push_back(fmt::format("{}: not looked for, the time was over", what));
  return true;
}

bool Discovery::look_for_rsync() {
  if (is_over_before("rsync")) return false;
  const PlaceFound place = find_rsync(question_, source_, step_);
  found_.lines.push_back(fmt::format("rsync: {}{}", place.url.empty() ? "no: " : place.url + ", ",
                                     printable(place.words)));
  if (place.url.empty()) return false;
  found_.set("rsync_url", place.url);
  return true;
}

// Most servers are no object stores: nothing is said of these.
bool Discovery::look_for_bucket() {
  if (is_over(question_)) return false;
  step_("a bucket");
  const PlaceFound place = find_bucket(question_, source_, web_.base());
  if (place.url.empty()) return false;
  found_.lines.push_back(fmt::format("bucket: {}, {}", place.url, printable(place.words)));
  found_.set("s3_url", place.url);
  return true;
}

bool Discovery::look_at_index() {
  if (is_over_before("directory indexes")) return false;
  step_("directory indexes");
  const IndexFindings index = check_index(question_, web_.base());
  if (index.shape.empty()) {
    found_.lines.push_back("directory indexes: none that can be read");
    return false;
  }
  const int percent = percent_of_top(source_.top_names, index.names);
  const bool good = !index.robots_forbid && (percent >= kSameTree || source_.top_names.empty());
  found_.lines.push_back(fmt::format(
      "directory indexes: as {} shows them{}", index.shape,
      index.robots_forbid ? ", but robots.txt forbids to read them (--index-options robots=ignore)"
      : good              ? ""
                          : ", of another tree"));
  if (good) found_.set("index_url", web_.base());
  return good;
}

bool Discovery::look_for_ftp() {
  if (is_over_before("FTP")) return false;
  step_("FTP");
  const PlaceFound place = find_ftp(question_, source_);
  found_.lines.push_back(
      fmt::format("FTP: {}", place.url.empty() ? "no: " + printable(place.words) : place.url));
  if (place.url.empty()) return false;
  found_.set("ftp_scan_url", place.url);
  return true;
}

}  // namespace

Findings discover(const Question& question, const db::SourceSample& source, const Step& step) {
  return Discovery(question, source, step).run();
}

}  // namespace mirror::scanner::discover
