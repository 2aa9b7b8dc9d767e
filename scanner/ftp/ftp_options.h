// The options and URLs of a mirror's ftp endpoint. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scanner/list/target.h"

namespace mirror::scanner::ftp {

// A mirror without a URL to scan is not listed at its own FTP URL either.
inline constexpr std::string_view kOff = "off";

struct FtpOptions {
  int connections = 2;        // at a time
  double requests_per_s = 0;  // for a listing, or a file's time; 0: no limit
  double bytes_per_s = 0;     // of listings; 0: no limit
  bool explicit_tls = false;  // TLS begins after the connection, with AUTH TLS
};

// What is wrong with one option.
Fault ftp_option_fault(std::string_view option);
// Of options without fault.
FtpOptions read_ftp_options(const std::vector<std::string>& options);

// ftp://[USER@]HOST[:PORT]/PATH/ in its parts.
struct FtpUrl {
  std::string server;  // ftp://HOST[:PORT] or ftps://
  std::string user;    // "": none
  // Unescaped, without a slash at its end; below the folder of the login, or from the root on where
  // it begins with a slash (%2F in the URL, RFC 1738 §3.2.2).
  std::string path;
};
Fault ftp_url_fault(std::string_view url);
// Of a URL without fault.
FtpUrl read_ftp_url(std::string_view url);

}  // namespace mirror::scanner::ftp
