#include "s3/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/ascii.h"
#include "core/path.h"

namespace mirror::s3 {
namespace {

constexpr std::streamsize kMaxFileBytes = 1 << 20;

// Of a file that is not there: none.
Sections read_file(const std::string& file) {
  if (file.empty()) return {};
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    throw AccountError(
        fmt::format("'{}' cannot be read: {}", printable(file), std::strerror(errno)));
  }
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), kMaxFileBytes + 1);
  if (in.bad() || in.gcount() > kMaxFileBytes)
    throw AccountError(fmt::format("'{}' is no file of this kind", printable(file)));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return read_sections(text);
}

std::string value_of(const Sections& sections, std::string_view section, const char* key) {
  const auto found = sections.find(section);
  if (found == sections.end()) return "";
  const auto value = found->second.find(key);
  return value == found->second.end() ? "" : value->second;
}

std::string file_name(const Environment& environment, const char* variable, const char* usual) {
  if (std::string named = environment(variable); !named.empty()) return named;
  const std::string home = environment("HOME");
  return home.empty() ? "" : home + usual;
}

Credentials credentials_of(const Sections& sections, std::string_view section) {
  Credentials found{value_of(sections, section, "aws_access_key_id"),
                    value_of(sections, section, "aws_secret_access_key"),
                    value_of(sections, section, "aws_session_token")};
  return found.secret_access_key.empty() ? Credentials() : found;
}

std::string region_of(const Environment& environment) {
  std::string region = environment("AWS_REGION");
  return region.empty() ? environment("AWS_DEFAULT_REGION") : region;
}

Account account_of_files(const std::string& profile, bool must_be, const Environment& environment) {
  const std::string credentials_file =
      file_name(environment, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
  const Sections credentials = read_file(credentials_file);
  const Sections config = read_file(file_name(environment, "AWS_CONFIG_FILE", "/.aws/config"));
  const std::string section = profile == "default" ? profile : "profile " + profile;
  Account account{credentials_of(credentials, profile), value_of(config, section, "region")};
  if (account.credentials.anonymous()) account.credentials = credentials_of(config, section);
  if (must_be && account.credentials.anonymous()) {
    throw AccountError(fmt::format("there are no credentials of the profile '{}' in '{}'",
                                   printable(profile), printable(credentials_file)));
  }
  return account;
}

}  // namespace

Sections read_sections(std::string_view text) {
  Sections sections;
  std::map<std::string, std::string>* section = nullptr;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, end), line = without_blanks(whole);
    text.remove_prefix(std::min(end + 1, text.size()));
    // Nested values, which begin with blanks, are none of ours.
    if (line.empty() || line[0] == '#' || line[0] == ';' || whole[0] == ' ' || whole[0] == '\t')
      continue;
    if (line[0] == '[') {
      const std::size_t close = line.find(']');
      section = close == line.npos
                    ? nullptr
                    : &sections[std::string(without_blanks(line.substr(1, close - 1)))];
      continue;
    }
    const std::size_t equals = line.find('=');
    if (section == nullptr || equals == line.npos) continue;
    (*section)[std::string(without_blanks(line.substr(0, equals)))] =
        without_blanks(line.substr(equals + 1));
  }
  return sections;
}

std::string process_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Account find_account(const std::string& profile, const Environment& environment) {
  Account account;
  if (profile.empty()) {
    account.credentials = {environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                           environment("AWS_SESSION_TOKEN")};
    if (account.credentials.secret_access_key.empty()) account.credentials = {};
  }
  if (account.credentials.anonymous()) {
    const std::string named = profile.empty() ? environment("AWS_PROFILE") : profile;
    account = account_of_files(named.empty() ? "default" : named, !named.empty(), environment);
  }
  if (std::string region = region_of(environment); !region.empty() && profile.empty())
    account.region = std::move(region);
  return account;
}

}  // namespace mirror::s3
