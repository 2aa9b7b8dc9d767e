#include "scanner/rsync/rsync_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "scanner/list/part.h"

namespace mirror::scanner {
namespace {

constexpr std::string_view kScheme = "rsync://";

struct PermittedOption {
  std::string_view name;
  bool takes_value;  // as NAME=VALUE
};
constexpr PermittedOption kPermitted[] = {
    {"--ipv4", false},     {"--ipv6", false},     {"--port", true},       {"--address", true},
    {"--sockopts", true},  {"--timeout", true},   {"--contimeout", true}, {"--bwlimit", true},
    {"--exclude", true},   {"--include", true},   {"--protocol", true},   {"--no-iconv", false},
    {"--compress", false}, {"--old-args", false},
};

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

Fault rsync_url_fault(std::string_view url) {
  if (!url.starts_with(kScheme)) return "it does not begin with rsync://";
  if (has_control(url)) return "it has control characters";
  const std::string_view rest = url.substr(kScheme.size());
  const std::size_t slash = rest.find('/');
  std::string_view host = rest.substr(0, slash);
  if (const std::size_t at = host.rfind('@');
      at != host.npos && host.substr(0, at).find(':') != host.npos) {
    return "it has a password, which others could read: put it into a file, and name that in "
           "mb.toml "
           "with rsync_password_file, below [instance.NAME.mirror.\"MIRROR\"] (for a source: "
           "mb-scan "
           "--password-file)";
  }
  host.remove_prefix(host.rfind('@') == std::string_view::npos ? 0 : host.rfind('@') + 1);
  if (host.empty() || host.starts_with(':')) return "it names no host";
  if (host.starts_with('-') || rest.starts_with('-')) return "its host begins with a hyphen";
  if (slash == std::string_view::npos || without_slashes(rest.substr(slash)).empty())
    return "it names no module";
  return std::nullopt;
}

Fault rsync_option_fault(std::string_view option) {
  if (option.find('\0') != std::string_view::npos) return "it has a NUL byte";
  if (option == "-4" || option == "-6") return std::nullopt;
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
  std::vector<std::string> out = {"-4", "-6"};
  for (const PermittedOption& option : kPermitted)
    out.push_back(fmt::format("{}{}", option.name, option.takes_value ? "=" : ""));
  return out;
}

std::vector<std::string> rsync_command(const Target& target) {
  std::vector<std::string> argv = {"rsync",
                                   "-rl",
                                   "--list-only",
                                   "--no-motd",
                                   "--no-h",
                                   fmt::format("--contimeout={}", target.connect_timeout_s),
                                   fmt::format("--timeout={}", target.idle_timeout_s)};
  argv.insert(argv.end(), target.options.begin(), target.options.end());
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
