#include "scanner/rsync/rsync_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/url.h"
#include "scanner/list/part.h"

namespace mirror::scanner {
namespace {

constexpr std::string_view kScheme = "rsync://";
constexpr std::string_view kSsl = "ssl";
constexpr std::string_view kContimeout = "--contimeout";  // rsync-ssl's rsync refuses it

struct PermittedOption {
  std::string_view name;
  bool takes_value;  // as NAME=VALUE
};
constexpr PermittedOption kPermitted[] = {
    {"--ipv4", false},     {"--ipv6", false},     {"--port", true},     {"--address", true},
    {"--sockopts", true},  {"--timeout", true},   {kContimeout, true},  {"--bwlimit", true},
    {"--exclude", true},   {"--include", true},   {"--protocol", true}, {"--no-iconv", false},
    {"--compress", false}, {"--old-args", false},
};

}  // namespace

Fault rsync_url_fault(std::string_view url) {
  if (const UrlFault fault = check_url(url, UrlKind::rsync)) return fault.text();
  return std::nullopt;
}

Fault rsync_option_fault(std::string_view option) {
  if (option.find('\0') != std::string_view::npos) return "it has a NUL byte";
  if (option == "-4" || option == "-6" || option == kSsl) return std::nullopt;
  const std::size_t equals = option.find('=');
  const std::string_view name = option.substr(0, equals);
  for (const PermittedOption& permitted : kPermitted) {
    if (permitted.name != name) continue;
    if (permitted.takes_value == (equals != std::string_view::npos)) return std::nullopt;
    return permitted.takes_value ? fmt::format("write it as {}=VALUE", name)
                                 : fmt::format("{} takes no value", name);
  }
  return fmt::format("only these are permitted: {}", fmt::join(permitted_rsync_options(), " "));
}

std::vector<std::string> permitted_rsync_options() {
  std::vector<std::string> out = {"-4", "-6", std::string(kSsl)};
  for (const PermittedOption& option : kPermitted)
    out.push_back(fmt::format("{}{}", option.name, option.takes_value ? "=" : ""));
  return out;
}

bool uses_ssl(const Target& target) {
  return std::find(target.options.begin(), target.options.end(), kSsl) != target.options.end();
}

std::vector<std::string> rsync_command(const Target& target) {
  const bool ssl = uses_ssl(target);
  std::vector<std::string> argv = {ssl ? "rsync-ssl" : "rsync", "-rl", "--list-only", "--no-motd",
                                   "--no-h"};
  if (!ssl) argv.push_back(fmt::format("{}={}", kContimeout, target.connect_timeout_s));
  argv.push_back(fmt::format("--timeout={}", target.idle_timeout_s));
  for (const std::string& option : target.options) {
    if (!ssl || (option != kSsl && !option.starts_with(kContimeout))) argv.push_back(option);
  }
  std::string url = target.url;
  if (!url.ends_with('/')) url += '/';
  if (target.directory.starts_with('-'))
    url += "./";  // a daemon takes what stands first in its module for an option
  if (!target.directory.empty()) url += escape_rsync_path(target.directory) + '/';
  argv.push_back("--");
  argv.push_back(std::move(url));
  return argv;
}

std::string listed_directory(const Target& target) {
  std::string_view rest = std::string_view(target.url).substr(kScheme.size());
  rest = without_slashes(rest.substr(std::min(rest.find('/'), rest.size())));
  const std::size_t module = rest.find('/');
  return joined_path(module == rest.npos ? "" : without_slashes(rest.substr(module)),
                     target.directory);
}

std::string escape_rsync_path(std::string_view path) {
  if (path.find_first_of("*?[") == std::string_view::npos) return std::string(path);
  std::string out;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace mirror::scanner
