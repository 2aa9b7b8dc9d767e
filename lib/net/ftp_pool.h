// FTP and FTPS by libcurl: folders are listed side by side over connections that are kept. Every
// wait and every size has an end; no proxy or .netrc is used, and data connections go to the server
// alone, whatever address it names. One thread, except that each pool has its own.
//
// A folder is named to MLSD (RFC 3659 §7), so that one command and its data connection list it.
// LIST has options and patterns in its argument; so libcurl first changes to the folder (one CWD).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/failure.h"

namespace mirror::net {

struct FtpRequest {
  // features: logs in and asks what the server is and can do (SYST; FEAT, RFC 2389). list_all: with
  // names that begin with a dot, as Unix servers know it. time: when a file was changed,
  // and its size.
  enum class Command : std::uint8_t { features, mlsd, list, list_all, time };
  Command command = Command::features;
  std::string server;  // ftp://HOST[:PORT] or ftps://, without a user
  std::string path;    // as the server has it, unescaped; a folder's ends in '/'; "": the login's
  std::string user, password;
  bool explicit_tls = false;  // ftp:// goes on over TLS, or not at all (RFC 4217)
  std::string ca_file;        // of those who sign certificates; "": the system's
  std::chrono::milliseconds connect_timeout{30000};
  std::chrono::seconds idle_timeout{300};  // for each reply, and between two pieces of a listing
  std::size_t max_body_bytes = std::size_t{16} << 20;
};

struct FtpAnswer {
  std::optional<FailureKind> failure;  // nullopt: the server did what was asked, up to the end
  std::string words;                   // of the failure, in plain English
  int code = 0;                        // of the last reply; 0: there was none
  std::string reply;                   // the last reply's last line, without its code
  std::string replies;                 // all lines
  std::string body;                    // the listing
  bool cut = false;                    // there was more than max_body_bytes
  std::string login_folder;            // where the login leads to; "": not known
  std::optional<std::int64_t> time_s;  // Unix time
  std::optional<std::int64_t> size_bytes;
};

class FtpPool {
 public:
  using Done = std::function<void(FtpAnswer&&)>;

  FtpPool();  // throws FetchError when libcurl cannot be used
  ~FtpPool();
  FtpPool(const FtpPool&) = delete;
  FtpPool& operator=(const FtpPool&) = delete;

  // As of RequestPool.
  void add(FtpRequest request, Done done);
  std::size_t running() const;
  void run(std::chrono::milliseconds patience, int wake_fd);

 private:
  struct Transfer;
  struct Transfers;
  std::unique_ptr<Transfers> transfers_;
};

}  // namespace mirror::net
