// Asks a web server for one file after the other, many at a time: by HEAD, or by GET for a byte
// where HEAD is refused; redirects are followed as mb-probe follows them. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scanner/web/web_client.h"

namespace mirror::scanner::head {

struct FileAnswer {
  enum class Kind : std::uint8_t {
    there,
    gone,     // 404 and 410, and 403 where that is said of what cannot exist
    refused,  // perhaps this file alone
    resting,  // the server asks for more time than a scan has
    failed
  };
  Kind kind = Kind::failed;
  std::int64_t size_bytes = 0;          // there
  std::optional<std::int64_t> mtime_s;  // there; nullopt: the server does not say
  std::string words;                    // why it is not there
};

class FileAsker {
 public:
  using Done = std::function<void(FileAnswer&&)>;

  // `server_urls`: our own; each ends in '/'.
  FileAsker(web::WebSettings settings, std::vector<std::string> server_urls);

  void ask(std::string url, Done done);
  std::size_t open() const { return client_.open(); }
  // As WebClient::run().
  void run(int stop_fd) { client_.run(stop_fd); }
  // From now on 403 means that there is no such file, as buckets that nobody may list say it.
  void forbidden_means_gone() { forbidden_is_gone_ = true; }
  // The server speaks HTTP/2: its few connections take more requests at a time.
  bool multiplexes() const { return multiplexes_; }
  void multiplex() { client_.multiplex(); }

 private:
  struct Question {
    std::vector<std::string> urls;  // the file's own first, then where redirects led
    bool by_get = false;
    bool public_only = false;
    Done done;
  };
  void send(std::shared_ptr<Question> question);
  void take(const std::shared_ptr<Question>& question, web::WebAnswer&& answer);
  std::optional<FileAnswer> follow(Question& question, const net::PoolAnswer& answer) const;
  FileAnswer judge(const net::PoolAnswer& answer) const;

  std::vector<std::string> server_urls_;
  bool forbidden_is_gone_ = false, head_is_refused_ = false, multiplexes_ = false;
  web::WebClient client_;
};

}  // namespace mirror::scanner::head
