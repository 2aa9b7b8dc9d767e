#include "scanner/discover/ways_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include "core/path.h"
#include "core/url.h"
#include "net/ftp_pool.h"
#include "scanner/discover/patience.h"
#include "scanner/discover/tree_match.h"
#include "scanner/ftp/ftp_lines.h"
#include "scanner/ftp/ftp_options.h"
#include "scanner/ftp/ftp_site.h"
#include "scanner/rsync/rsync_command.h"
#include "scanner/rsync/rsync_peek.h"

namespace mirror::scanner::discover {
namespace {

constexpr std::chrono::milliseconds kTurn(200);

std::string_view path_of(std::string_view url) {
  const std::size_t slash = url.find('/', url.find("://") + 3);
  return slash == url.npos ? "" : url.substr(slash + 1);
}

// As it stands in a URL, an IPv6 address in brackets.
std::string host_of(const std::string& given, const std::string& url) {
  if (!given.empty()) return given;
  const std::string host(url_host(url));
  return host.find(':') == host.npos ? host : '[' + host + ']';
}

net::FtpAnswer ask(const Question& question, net::FtpRequest request) {
  net::FtpAnswer got;
  got.failure = net::FailureKind::timeout;
  got.words = "no answer in time";
  net::FtpPool pool;
  const auto end = Clock::now() + time_left(question);
  request.connect_timeout = time_left(question);
  request.idle_timeout = std::chrono::ceil<std::chrono::seconds>(time_left(question));
  if (request.connect_timeout.count() == 0) return got;
  pool.add(std::move(request), [&got](net::FtpAnswer&& answer) { got = std::move(answer); });
  while (pool.running() > 0 && Clock::now() < end && !is_over(question))
    pool.run(kTurn, question.stop_fd);
  return got;
}

}  // namespace

PlaceFound find_rsync(const Question& question, const db::SourceSample& source, const Step& step) {
  PlaceFound best;
  const std::string server = fmt::format("rsync://{}/", host_of(question.rsync_host, question.url));
  step(fmt::format("the modules of {}", server));
  const RsyncPeek modules = peek_rsync_modules(server, time_left(question), question.stop_fd);
  if (!modules.fault.empty()) {
    best.words = modules.fault;
    return best;
  }
  best.words = "no module has the source's tree";
  for (const std::string& place : rsync_places(modules.names, path_of(question.url))) {
    const std::string url = server + escape_rsync_path(place) + '/';
    if (is_over(question)) break;
    if (rsync_url_fault(url)) continue;
    step(url);
    const RsyncPeek folder = peek_rsync_folder(url, time_left(question), question.stop_fd);
    const int percent = percent_of_top(source.top_names, folder.names);
    if (percent < kSameTree || percent <= best.percent) continue;
    best = {.url = url,
            .words = fmt::format("of {} modules, {} % of the source's top folders are here",
                                 modules.names.size(), percent),
            .percent = percent};
    if (percent == 100) break;
  }
  return best;
}

PlaceFound find_ftp(const Question& question, const db::SourceSample& source) {
  PlaceFound found;
  const std::string url =
      fmt::format("ftp://{}/{}", host_of(question.ftp_host, question.url), path_of(question.url));
  if (const Fault fault = ftp::ftp_url_fault(url)) {
    found.words = *fault;
    return found;
  }
  const ftp::FtpUrl parts = ftp::read_ftp_url(url);
  net::FtpRequest request;
  request.server = parts.server;
  request.user = "anonymous";
  request.password = "mb-scan@";
  const net::FtpAnswer features = ask(question, request);
  if (features.failure) {
    found.words = features.words;
    return found;
  }
  const ftp::FtpSite site = ftp::read_site(features, parts.path);
  request.path = site.folder("");
  request.command = site.has_mlsd ? net::FtpRequest::Command::mlsd : net::FtpRequest::Command::list;
  const net::FtpAnswer listing = ask(question, request);
  if (listing.failure) {
    found.words = listing.words;
    return found;
  }
  std::vector<std::string> names;
  for (const ftp::FtpEntry& entry :
       ftp::read_folder(listing.body, site.has_mlsd, std::time(nullptr)).entries)
    names.push_back(entry.entry.path);
  found.percent = percent_of_top(source.top_names, names);
  if (found.percent >= kSameTree)
    found.url = url;
  else
    found.words = "another tree";
  return found;
}

}  // namespace mirror::scanner::discover
