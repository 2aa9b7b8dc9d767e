// A bucket's answers, asked for beside each other, in the region where it lies. One thread.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "s3/bucket.h"
#include "scanner/list/target.h"
#include "scanner/s3/list_page.h"
#include "scanner/web/web_client.h"
#include "scanner/web/web_options.h"

namespace mirror::scanner::s3 {

struct ListQuery {
  std::string prefix = {}, after = {}, token = {};  // "": none
  bool folders = false;                             // what lies in the folder `prefix` itself
};

class Store {
 public:
  using PageDone = std::function<void(ListPage&&)>;
  using HeadDone = std::function<void(const web::WebAnswer&)>;

  // Throws ListingError for credentials that cannot be read, net::FetchError without libcurl.
  Store(const Target& target, const web::WebOptions& options);

  // take_answer() calls `done` with a page without fault, or throws ListingError.
  void list(ListQuery query, PageDone done);
  // run() or poll() calls `done` with whatever answer.
  void head(const std::string& key, HeadDone done);
  std::size_t open() const { return client_.open(); }
  // Whether a page has come. Reading one takes a while, so each is read alone, and poll() sends
  // meanwhile what its reader asks for.
  bool has_answer() const { return !answers_.empty(); }
  void take_answer();  // REQUIRES: has_answer()
  // Until something was answered, `stop_fd` is readable or a second is over.
  void run(int stop_fd) { client_.run(stop_fd); }
  // Without waiting.
  void poll() { client_.poll(); }

 private:
  struct Asked {
    ListQuery query;
    PageDone done;
    bool moved = false;  // to another region
    web::WebAnswer answer = {};
  };
  void ask(Asked asked);

  mirror::s3::Bucket bucket_;
  web::WebClient client_;
  std::deque<Asked> answers_;  // not yet taken
};

}  // namespace mirror::scanner::s3
