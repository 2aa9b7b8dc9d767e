#include "scanner/rsync/rsync_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/path.h"

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

std::string_view trimmed(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::string joined(std::string_view a, std::string_view b) {
  return a.empty() || b.empty() ? fmt::format("{}{}", a, b) : fmt::format("{}/{}", a, b);
}

bool lies_in(std::string_view path, std::string_view directory) {
  return directory.empty() || path == directory ||
         (path.starts_with(directory) && path[directory.size()] == '/');
}

}  // namespace

std::optional<std::string> rsync_option_fault(std::string_view option) {
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

std::vector<std::string> rsync_command(const RsyncJob& job) {
  std::vector<std::string> argv = {"rsync",
                                   "-rl",
                                   "--list-only",
                                   "--no-motd",
                                   "--no-h",
                                   fmt::format("--contimeout={}", job.connect_timeout_s),
                                   fmt::format("--timeout={}", job.idle_timeout_s)};
  argv.insert(argv.end(), job.options.begin(), job.options.end());
  std::string url = job.url;
  if (!url.ends_with('/')) url += '/';
  if (job.directory.starts_with('-'))
    url += "./";  // a daemon takes what stands first in its module for an option
  if (!job.directory.empty()) url += escape_rsync_path(job.directory) + '/';
  argv.push_back("--");
  argv.push_back(std::move(url));
  return argv;
}

std::string listed_directory(const RsyncJob& job) {
  std::string_view rest = std::string_view(job.url).substr(kScheme.size());
  rest = trimmed(rest.substr(std::min(rest.find('/'), rest.size())));
  const std::size_t module = rest.find('/');
  return joined(module == rest.npos ? "" : trimmed(rest.substr(module)), job.directory);
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

Part part_of_module(std::string_view subtree, std::string_view strip_prefix,
                    std::string_view add_prefix) {
  const std::string_view strip = trimmed(strip_prefix);
  const std::string_view add = trimmed(add_prefix);
  Part part;
  if (lies_in(add, subtree)) {
    part.directory = strip;
    part.prefix = add;
  } else if (lies_in(subtree, add)) {
    part.directory = joined(strip, trimmed(subtree.substr(add.size())));
    part.may_be_missing = true;
    part.prefix = subtree;
  } else {
    part.nothing = true;
  }
  return part;
}

}  // namespace mirror::scanner
