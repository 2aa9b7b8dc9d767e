#include "scanner/scan/ways.h"

#include <fmt/format.h>

#include <algorithm>

#include "config.h"
#include "core/path.h"
#include "core/url.h"
#include "scanner/ftp/ftp_options.h"
#include "scanner/web/web_options.h"

namespace mirror::scanner {
namespace {

bool has_option(const db::Endpoint& endpoint, std::string_view option) {
  return std::find(endpoint.options.begin(), endpoint.options.end(), option) !=
         endpoint.options.end();
}

void add_options(const Method& method, const std::vector<std::string>& options,
                 std::string_view whose, Target& target) {
  for (const std::string& option : options) {
    if (const Fault wrong = method.option_fault(option)) {
      throw ListingError(fmt::format("{} {} option '{}' cannot be used: {}", whose, method.name,
                                     printable(option), *wrong));
    }
    target.options.push_back(option);
  }
}

// At the URL that clients or people get.
void add_own(const db::MirrorRecord& record, const Method& method, const std::string& url,
             std::string_view off, std::vector<ListingWay>& ways) {
  const db::Endpoint* const endpoint = record.endpoint(method.name);
  if (url.empty() || (endpoint != nullptr && has_option(*endpoint, off))) return;
  ways.push_back(
      {&method, url, endpoint != nullptr ? endpoint->options : std::vector<std::string>()});
}

std::string password_file_of(const Method& method, const MirrorOptions& options) {
  return &method == &kFtpMethod ? options.ftp_password_file : options.rsync_password_file;
}

}  // namespace

std::vector<ListingWay> ways_to_list(const db::MirrorRecord& record) {
  std::vector<ListingWay> ways;
  for (const db::Endpoint& endpoint : record.endpoints) {
    const Method* const method = find_method(endpoint.method);
    if (method != nullptr && method->for_mirror && !endpoint.url.empty())
      ways.push_back({method, endpoint.url, endpoint.options});
  }
  const std::string& web =
      record.mirror.http_url.empty() ? record.mirror.https_url : record.mirror.http_url;
  const db::Endpoint* const head = record.endpoint(kHeadMethod.name);
  if (head != nullptr && head->is_complete() && head->url.empty())
    add_own(record, kHeadMethod, web, {}, ways);
  if (!ways.empty()) return ways;
  add_own(record, kWebMethod, web, web::kOff, ways);
  add_own(record, kFtpMethod, record.ftp_url, ftp::kOff, ways);
  return ways;
}

Target base_target(const std::string& url, const Method& method, const ScanOptions& options) {
  Target target;
  target.url = url;
  if (&method == &kRsyncMethod) target.options = options.rsync_options;
  target.password_file = options.password_file;
  target.user_agent =
      fmt::format("mb-scan/{} (mod_mirror{}{})", PACKAGE_VERSION,
                  options.instance.contact.empty() ? "" : "; ", options.instance.contact);
  target.contact = options.instance.contact;
  target.ca_file = options.instance.probe_ca;
  target.connect_timeout_s = options.instance.connect_timeout_s;
  target.idle_timeout_s = options.instance.idle_timeout_s;
  target.max_minutes = options.instance.max_scan_minutes;
  target.head_budget = options.instance.head_budget;
  target.server_urls = options.instance.server_urls;
  return target;
}

Target target_of(const ListingWay& way, const db::MirrorRecord& record,
                 const ScanOptions& options) {
  Target target = base_target(way.url, *way.method, options);
  if (const Fault wrong = way.method->url_fault(target.url)) {
    throw ListingError(fmt::format("its {} URL '{}' cannot be used: {}", way.method->name,
                                   printable(without_password(target.url)), *wrong));
  }
  const auto for_all = options.instance.listing_options.find(std::string(way.method->name));
  if (for_all != options.instance.listing_options.end())
    add_options(*way.method, for_all->second, "mb.toml's", target);
  add_options(*way.method, way.options, "its", target);
  const auto own = options.instance.mirrors.find(record.mirror.identifier);
  if (target.password_file.empty() && own != options.instance.mirrors.end())
    target.password_file = password_file_of(*way.method, own->second);
  return target;
}

}  // namespace mirror::scanner
