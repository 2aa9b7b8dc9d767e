// Who asks an object store: keys from the environment or from the files that Amazon's tools read.
// Secrets are never printed. No state.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mirror::s3 {

struct Credentials {
  std::string access_key_id, secret_access_key;
  std::string session_token;  // "": they are not temporary

  bool anonymous() const { return access_key_id.empty(); }
};

struct Account {
  Credentials credentials;
  std::string region;  // "": nothing says it
};

// A file cannot be read, or has no such profile. Names the file, never what is in it.
class AccountError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Sections of a file of credentials or configuration: name, then key, then value. Lines that are
// none of these are ignored, as Amazon's tools do. Pure; any bytes.
using Sections = std::map<std::string, std::map<std::string, std::string>, std::less<>>;
Sections read_sections(std::string_view text);

// The value of an environment variable; "": it is not set.
using Environment = std::function<std::string(const char* name)>;
std::string process_environment(const char* name);

// With a `profile`: of that one. Else AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY and
// AWS_SESSION_TOKEN; else the profile AWS_PROFILE or `default` of AWS_SHARED_CREDENTIALS_FILE
// (~/.aws/credentials) and AWS_CONFIG_FILE (~/.aws/config); else none: requests are anonymous.
// Throws AccountError.
Account find_account(const std::string& profile, const Environment& environment);

}  // namespace mirror::s3
