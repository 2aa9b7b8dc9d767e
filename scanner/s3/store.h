// A bucket's answers, asked for beside each other, in the region where it lies. One thread.
#pragma once

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

  // Calls `done` with a page without fault, or throws ListingError from run().
  void list(ListQuery query, PageDone done);
  // With whatever answer.
  void head(const std::string& key, HeadDone done);
  std::size_t open() const { return client_.open(); }
  // Until something was answered, `stop_fd` is readable or a second is over.
  void run(int stop_fd) { client_.run(stop_fd); }

 private:
  void take(const ListQuery& query, const PageDone& done, bool moved, const web::WebAnswer& answer);
  void ask(ListQuery query, PageDone done, bool moved);

  mirror::s3::Bucket bucket_;
  web::WebClient client_;
};

}  // namespace mirror::scanner::s3
