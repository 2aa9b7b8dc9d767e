#include "scanner/ftp/ftp_site.h"

#include <algorithm>

#include "core/ascii.h"
#include "scanner/list/part.h"

namespace mirror::scanner::ftp {
namespace {

std::string with_slash(std::string path) {
  if (!path.empty() && !path.ends_with('/')) path += '/';
  return path;
}

}  // namespace

std::string FtpSite::folder(std::string_view path) const { return with_slash(file(path)); }

std::string FtpSite::file(std::string_view path) const { return with_slash(root).append(path); }

FtpSite read_site(const net::FtpAnswer& features, std::string_view path) {
  FtpSite site;
  std::string_view rest = features.replies;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    site.is_unix = site.is_unix || lower(line.substr(0, 8)) == "215 unix";
    if (!line.starts_with(' ')) continue;  // RFC 2389 §3.2: each feature behind one blank
    const std::string name = lower(line.substr(1, line.find_first_of(" \r", 1) - 1));
    site.has_mlsd = site.has_mlsd || name == "mlst" || name == "mlsd";
    site.has_mdtm = site.has_mdtm || name == "mdtm";
  }
  // With the whole path, libcurl need not go back to the folder of the login each time.
  const bool knows_login = features.login_folder.starts_with('/') && !path.starts_with('/');
  site.root =
      knows_login ? with_slash(features.login_folder) + std::string(path) : std::string(path);
  return site;
}

}  // namespace mirror::scanner::ftp
