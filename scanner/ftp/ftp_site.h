// What an FTP server can do, and where the tree lies on it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "net/ftp_pool.h"

namespace mirror::scanner::ftp {

struct FtpSite {
  bool has_mlsd = false;  // exact sizes and times, in UTC
  bool is_unix = false;   // LIST is that of ls
  bool has_mdtm = false;  // tells the time of one file
  std::string root;       // of the listing, as a path of the server; "": where the login leads to

  // Of a folder below the root ("": the root), as FtpRequest has it.
  std::string folder(std::string_view path) const;
  std::string file(std::string_view path) const;
};

// `features`: the answer to that command. `path`: as of FtpUrl, with what is below the URL.
FtpSite read_site(const net::FtpAnswer& features, std::string_view path);

}  // namespace mirror::scanner::ftp
