#include "scanner/ftp/ftp_options.h"

#include "core/number.h"
#include "core/path.h"
#include "core/url.h"
#include "scanner/list/part.h"
#include "scanner/web/web_options.h"

namespace mirror::scanner::ftp {
namespace {

constexpr int kMostConnections = 8;

Fault take_option(std::string_view option, FtpOptions& into) {
  constexpr std::string_view kConnections = "connections=";
  if (option == kOff) return std::nullopt;
  if (option == "tls=require") {
    into.explicit_tls = true;
    return std::nullopt;
  }
  if (option.starts_with(kConnections)) {
    const auto number = whole_number<int>(option.substr(kConnections.size()));
    if (!number || *number < 1 || *number > kMostConnections) return "connections must be 1 to 8";
    into.connections = *number;
    return std::nullopt;
  }
  if (option.starts_with("rate=") || option.starts_with("bandwidth=")) {
    const web::WebOptions read = web::read_web_options({std::string(option)});
    if (read.requests_per_s > 0) into.requests_per_s = read.requests_per_s;
    if (read.kib_per_s > 0) into.bytes_per_s = read.bytes_per_s();
    return web::web_option_fault(option);
  }
  return "the options are connections=N, rate=N, bandwidth=N, tls=require, and off";
}

}  // namespace

Fault ftp_option_fault(std::string_view option) {
  FtpOptions unused;
  return take_option(option, unused);
}

FtpOptions read_ftp_options(const std::vector<std::string>& options) {
  FtpOptions read;
  for (const std::string& option : options) take_option(option, read);
  return read;
}

Fault ftp_url_fault(std::string_view url) {
  const UrlFault fault = check_url(url, UrlKind::ftp_scan);
  return fault ? Fault(fault.text()) : std::nullopt;
}

FtpUrl read_ftp_url(std::string_view url) {
  const std::size_t begin = url.find("://") + 3;
  const std::size_t slash = url.find('/', begin);
  const std::string_view authority = url.substr(begin, slash - begin);
  const std::size_t at = authority.rfind('@');
  FtpUrl parts;
  parts.server = std::string(url.substr(0, begin)).append(url_authority(url));
  if (at != authority.npos) parts.user = authority.substr(0, at);
  const std::string path = percent_decode(url.substr(slash)).value_or("");
  parts.path = std::string(path.starts_with("//") ? "/" : "").append(without_slashes(path));
  return parts;
}

}  // namespace mirror::scanner::ftp
