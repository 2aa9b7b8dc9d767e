#include "net/ftp_pool.h"

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>

#include "core/number.h"
#include "net/easy.h"
#include "net/multi.h"

namespace mirror::net {
namespace {

using Command = FtpRequest::Command;

constexpr std::size_t kMaxReplyBytes = std::size_t{256} << 10;  // of one request, with greetings

// All but letters, digits and a few marks: libcurl looks for more in a URL than a path.
std::string escaped(std::string_view path) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto c = static_cast<unsigned char>(path[i]);
    const bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                       c == '-' || c == '.' || c == '_' || (c == '/' && i > 0);
    if (plain) {
      out += path[i];
    } else {
      out += {'%', kDigits[c >> 4], kDigits[c & 15]};
    }
  }
  return out;
}

}  // namespace

// One request under way. The callbacks never throw: libcurl is C.
struct FtpPool::Transfer {
  Easy easy;
  FtpRequest request;
  Done done;
  List quote;
  FtpAnswer answer;
  bool too_large = false, out_of_memory = false;

  Transfer(FtpRequest asked, Done then) : request(std::move(asked)), done(std::move(then)) {
    easy.reset();
    set_connection();
    set_command();
    set_callbacks();
  }

  void finish(CURLcode code);

 private:
  void set_connection();
  void set_command();
  void set_callbacks();
  static std::size_t on_reply(char* data, std::size_t, std::size_t bytes, void* self) noexcept;
  static std::size_t on_body(char* data, std::size_t, std::size_t bytes, void* self) noexcept;
  void read_last_reply();
  FailureKind failure_kind(CURLcode code) const;
  std::string failure_words(FailureKind kind, CURLcode code) const;
};

void FtpPool::Transfer::set_connection() {
  easy.set(CURLOPT_PROTOCOLS_STR, "ftp,ftps");
  easy.set(CURLOPT_URL, (request.server + '/' + escaped(request.path)).c_str());
  easy.set(CURLOPT_USERNAME, request.user.c_str());
  easy.set(CURLOPT_PASSWORD, request.password.c_str());
  easy.set(CURLOPT_FTP_SKIP_PASV_IP, 1L);
  easy.set(CURLOPT_QUICK_EXIT, 1L);
  if (request.explicit_tls) easy.set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
  if (!request.ca_file.empty()) {
    easy.set(CURLOPT_CAINFO, request.ca_file.c_str());
    easy.set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  const auto idle_s = std::max(1L, static_cast<long>(request.idle_timeout.count()));
  easy.set(CURLOPT_CONNECTTIMEOUT_MS,
           std::max(1L, static_cast<long>(request.connect_timeout.count())));
  easy.set(CURLOPT_SERVER_RESPONSE_TIMEOUT, idle_s);
  easy.set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  easy.set(CURLOPT_LOW_SPEED_TIME, idle_s);
}

void FtpPool::Transfer::set_command() {
  const bool is_list = request.command == Command::list || request.command == Command::list_all;
  easy.set(CURLOPT_FTP_FILEMETHOD,
           static_cast<long>(is_list ? CURLFTPMETHOD_SINGLECWD : CURLFTPMETHOD_NOCWD));
  switch (request.command) {
    case Command::features:
      quote = make_list({"*SYST", "*FEAT"});  // `*`: it may fail
      easy.set(CURLOPT_QUOTE, quote.get());
      easy.set(CURLOPT_NOBODY, 1L);
      break;
    case Command::mlsd:
      easy.set(CURLOPT_CUSTOMREQUEST, "MLSD");
      break;
    case Command::list:
      break;
    case Command::list_all:
      easy.set(CURLOPT_CUSTOMREQUEST, "LIST -a");
      break;
    case Command::time:
      easy.set(CURLOPT_NOBODY, 1L);
      easy.set(CURLOPT_FILETIME, 1L);
      break;
  }
}

void FtpPool::Transfer::set_callbacks() {
  void* const self = this;
  easy.set(CURLOPT_WRITEFUNCTION, &on_body);
  easy.set(CURLOPT_WRITEDATA, self);
  easy.set(CURLOPT_HEADERFUNCTION, &on_reply);
  easy.set(CURLOPT_HEADERDATA, self);
  easy.set(CURLOPT_PRIVATE, self);
}

std::size_t FtpPool::Transfer::on_reply(char* data, std::size_t, std::size_t bytes,
                                        void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  std::string& replies = transfer.answer.replies;
  transfer.too_large = bytes > kMaxReplyBytes - replies.size();
  if (transfer.too_large) return 0;
  try {
    replies.append(data, bytes);
    return bytes;
  } catch (...) {
    transfer.out_of_memory = true;
    return 0;
  }
}

std::size_t FtpPool::Transfer::on_body(char* data, std::size_t, std::size_t bytes,
                                       void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  std::string& body = transfer.answer.body;
  transfer.answer.cut = bytes > transfer.request.max_body_bytes - body.size();
  if (transfer.answer.cut) return 0;
  try {
    body.append(data, bytes);
    return bytes;
  } catch (...) {
    transfer.out_of_memory = true;
    return 0;
  }
}

// The last line that has a code and a blank. libcurl adds lines of its own behind replies.
void FtpPool::Transfer::read_last_reply() {
  std::string_view rest = answer.replies;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto code = whole_number<int>(line.substr(0, 3));
    if (!code || *code < 100 || *code > 599 || (line.size() > 3 && line[3] != ' ')) continue;
    answer.code = *code;
    answer.reply = line.size() > 4 ? line.substr(4) : "";
  }
}

FailureKind FtpPool::Transfer::failure_kind(CURLcode code) const {
  if (out_of_memory) return FailureKind::own;
  if (too_large) return FailureKind::too_large;
  return failure_kind_of(code);
}

std::string FtpPool::Transfer::failure_words(FailureKind kind, CURLcode code) const {
  switch (kind) {
    case FailureKind::name:
      return "its name has no address, or cannot be looked up";
    case FailureKind::connect:
      return connect_words(easy);
    case FailureKind::certificate:
      if (code == CURLE_USE_SSL_FAILED) return "the server refuses TLS";
      return "its certificate cannot be trusted: " + lower_first(std::string(easy.error(code)));
    case FailureKind::too_large:
      return fmt::format("its replies are longer than {} bytes", kMaxReplyBytes);
    case FailureKind::timeout:
      return answer.code == 0 ? "no connection or no reply in time" : "it became silent";
    case FailureKind::broken:
      if (code == CURLE_PARTIAL_FILE) return "the listing broke off before its end";
      if (code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING) return "the connection broke off";
      break;
    case FailureKind::url:
    case FailureKind::own:
    case FailureKind::private_address:
      break;
  }
  return lower_first(std::string(easy.error(code)));
}

void FtpPool::Transfer::finish(CURLcode code) {
  read_last_reply();
  answer.login_folder = easy.text(CURLINFO_FTP_ENTRY_PATH);
  if (code == CURLE_OK) {
    curl_off_t time_s = -1;
    curl_easy_getinfo(easy.curl(), CURLINFO_FILETIME_T, &time_s);
    if (time_s >= 0) answer.time_s = time_s;
    curl_off_t size_bytes = -1;
    curl_easy_getinfo(easy.curl(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size_bytes);
    if (size_bytes >= 0) answer.size_bytes = size_bytes;
    return;
  }
  if (answer.cut) return;
  answer.failure = failure_kind(code);
  answer.words = failure_words(*answer.failure, code);
}

struct FtpPool::Transfers : Multi<Transfer> {};

FtpPool::FtpPool() : transfers_(std::make_unique<Transfers>()) {}
FtpPool::~FtpPool() = default;

void FtpPool::add(FtpRequest request, Done done) {
  transfers_->add(std::make_unique<Transfer>(std::move(request), std::move(done)));
}

std::size_t FtpPool::running() const { return transfers_->size(); }

void FtpPool::run(std::chrono::milliseconds patience, int wake_fd) {
  transfers_->run(patience, wake_fd);
}

}  // namespace mirror::net
