#include "scanner/web/robots_reader.h"

#include <optional>
#include <utility>

#include "core/address.h"

namespace mirror::scanner::web {

RobotsRead read_robots(WebClient& client, const std::string& url,
                       const std::function<void()>& wait) {
  RobotsRead read{Robots(""), url.substr(0, url.find('/', url.find("://") + 3)) + "/robots.txt",
                  ""};
  bool is_public = false;  // it is behind a redirect of a public server
  for (int hops = 0; hops <= kMostHops; ++hops) {
    std::optional<WebAnswer> got;
    const auto done = [&got](WebAnswer&& answer) { got = std::move(answer); };
    is_public ? client.get_public(read.url, done) : client.get(read.url, done);
    while (!got) wait();
    if (!got->fault.empty() || got->status >= 500) {
      read.fault = answer_words(*got);
      return read;
    }
    if (!is_redirect(got->status)) {
      if (got->status == 200) read.robots = Robots(got->parts.body);
      return read;
    }
    const std::optional<Address> peer = Address::parse(got->parts.peer);
    is_public = is_public || !peer || !net::is_private(*peer);
    const std::string& to = got->parts.redirect_url;
    if (!to.starts_with("http://") && !to.starts_with("https://")) return read;
    read.url = to;
  }
  return read;
}

}  // namespace mirror::scanner::web
