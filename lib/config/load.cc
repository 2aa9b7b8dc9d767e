// Which configuration file is read, and reading it; instance.cc parses the text.
#include <fmt/core.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "config/instance.h"
#include "core/path.h"
#include "installed.h"

namespace mirror {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// nullopt: there is no such file.
std::optional<std::string> read_whole(const std::string& file) {
  const std::unique_ptr<std::FILE, CloseFile> in(std::fopen(file.c_str(), "re"));
  if (!in && errno == ENOENT) return std::nullopt;
  std::string text;
  if (in) {
    text.resize(kMaxFileBytes + 1);
    text.resize(std::fread(text.data(), 1, text.size(), in.get()));
  }
  if (!in || std::ferror(in.get()))
    throw ConfigError(fmt::format("{}: cannot be read: {}", file, std::strerror(errno)));
  if (text.size() > kMaxFileBytes)
    throw ConfigError(fmt::format("{}: longer than {} bytes", file, kMaxFileBytes));
  return text;
}

struct ConfigText {
  std::string file;
  std::optional<std::string> text;  // nullopt: there is no default file, and no other was named
};

ConfigText find_config(const std::optional<std::string>& given) {
  const char* environment = std::getenv("MB_CONFIG");
  const bool from_environment = !given && environment != nullptr && *environment != '\0';
  ConfigText result{given              ? *given
                    : from_environment ? environment
                                       : default_config_file(),
                    std::nullopt};
  result.text = read_whole(result.file);
  if (!result.text && (given || from_environment)) {
    throw ConfigError(fmt::format("{}: no such file, named by {}", result.file,
                                  given ? "--config" : "MB_CONFIG"));
  }
  return result;
}

}  // namespace

Instance load_instance(const std::optional<std::string>& file,
                       const std::optional<std::string>& instance) {
  const ConfigText config = find_config(file);
  if (config.text) {
    Instance found = parse_instance(*config.text, config.file, instance);
    found.file = config.file;
    found.file_found = true;
    return found;
  }
  if (instance) {
    throw ConfigError(fmt::format("no instance '{}': there is no configuration file {}",
                                  printable(*instance), config.file));
  }
  Instance defaults;
  defaults.file = config.file;
  return defaults;
}

std::vector<std::string> instance_names(const std::optional<std::string>& file) {
  const ConfigText config = find_config(file);
  return config.text ? parse_instance_names(*config.text, config.file) : std::vector<std::string>();
}

std::string default_config_file() { return MIRROR_SYSCONFDIR "/mb.toml"; }

std::string config_file_text(const Instance& instance) {
  return instance.file + (instance.file_found ? "" : ", which does not exist");
}

}  // namespace mirror
