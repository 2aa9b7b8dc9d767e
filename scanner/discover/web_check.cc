#include "scanner/discover/web_check.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "core/path.h"
#include "core/url.h"
#include "scanner/check/answers.h"
#include "scanner/discover/patience.h"
#include "scanner/head/file_asker.h"
#include "scanner/web/index_page.h"
#include "scanner/web/robots.h"

namespace mirror::scanner::discover {
namespace {

constexpr std::chrono::milliseconds kTurn(200);
constexpr std::size_t kMaxIndexBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxRobotsBytes = std::size_t{500} << 10;

// One scheme over one address family.
struct Way {
  bool https = false;
  Family family = Family::ipv4;
  net::PoolAnswer answer;
  bool asked = false;

  std::string text() const {
    return fmt::format("{} over {}", https ? "https" : "http",
                       family == Family::ipv6 ? "IPv6" : "IPv4");
  }
  bool leads_to_https() const {
    return !https && probe::is_redirect(answer.status) &&
           answer.redirect_url.starts_with("https://");
  }
  bool works() const {
    return asked && !answer.failure && answer.status < 500 && !leads_to_https();
  }
  // Nothing is known of the family: this host has none, or has no way to it.
  bool tells_nothing() const {
    return !asked || (answer.failure &&
                      (answer.os_error == ENETUNREACH || answer.os_error == EHOSTUNREACH ||
                       answer.os_error == EADDRNOTAVAIL || answer.os_error == EAFNOSUPPORT));
  }
  std::string fault() const {
    if (!asked) return "not looked for, the time was over";
    if (answer.failure) return answer.words;
    if (leads_to_https()) return "leads to https";
    return fmt::format("answers {}", answer.status);
  }
};

std::string with_scheme(const std::string& url, bool https) {
  return (https ? "https" : "http") + url.substr(url.find("://"));
}

bool has_port(const std::string& url) {
  const std::string_view authority = url_authority(url);
  return authority.ends_with(']') ? false : authority.find(':') != authority.npos;
}

net::PoolRequest request_for(const Question& question, const std::string& url) {
  net::PoolRequest request;
  request.url = url;
  request.user_agent = question.user_agent;
  request.ca_file = question.ca_file;
  request.http2 = true;
  request.connect_timeout = request.timeout = time_left(question);
  return request;
}

void run_all(net::RequestPool& pool, const Question& question) {
  while (pool.running() > 0 && !is_over(question)) pool.run(kTurn, question.stop_fd);
}

// Whether it works over some scheme; nullopt: nothing tells.
std::optional<bool> family_of(const std::vector<Way>& ways, Family family) {
  bool told = false;
  for (const Way& way : ways) {
    if (way.family != family) continue;
    if (way.works()) return true;
    told = told || !way.tells_nothing();
  }
  return told ? std::optional(false) : std::nullopt;
}

net::PoolAnswer get(const Question& question, const std::string& url, std::size_t most_bytes) {
  net::PoolAnswer got;
  net::RequestPool pool;
  net::PoolRequest request = request_for(question, url);
  if (request.timeout.count() == 0) return got;
  request.method = net::PoolRequest::Method::get;
  request.compressed = true;
  request.max_body_bytes = most_bytes;
  pool.add(std::move(request), [&got](net::PoolAnswer&& answer) { got = std::move(answer); });
  run_all(pool, question);
  return got;
}

bool robots_allow(const Question& question, const std::string& base) {
  const std::size_t path = base.find('/', base.find("://") + 3);
  const net::PoolAnswer answer =
      get(question, base.substr(0, path) + "/robots.txt", kMaxRobotsBytes);
  return answer.status != 200 || web::Robots(answer.body).allows(base.substr(path));
}

}  // namespace

WebFindings check_ways(const Question& question, const std::string& path) {
  std::vector<Way> ways;
  const bool given_https = question.url.starts_with("https:");
  for (const bool https : {true, false}) {
    if (has_port(question.url) && https != given_https) continue;
    for (const Family family : {Family::ipv4, Family::ipv6})
      ways.push_back({https, family, {}, {}});
  }
  net::RequestPool pool;
  for (Way& way : ways) {
    net::PoolRequest request =
        request_for(question, file_url(with_scheme(question.url, way.https), path));
    if (request.timeout.count() == 0) break;
    request.family = way.family;
    pool.add(std::move(request), [&way](net::PoolAnswer&& answer) {
      way.answer = std::move(answer);
      way.asked = true;
    });
  }
  run_all(pool, question);
  WebFindings found;
  for (const Way& way : ways) {
    if (way.works()) {
      (way.https ? found.https_url : found.http_url) = with_scheme(question.url, way.https);
      found.http2 = found.http2 || way.answer.http2;
    } else {
      found.why_not += fmt::format("{}{}: {}", found.why_not.empty() ? "" : "; ", way.text(),
                                   printable(way.fault()));
    }
  }
  found.ipv4 = family_of(ways, Family::ipv4);
  found.ipv6 = family_of(ways, Family::ipv6);
  return found;
}

FileFindings check_files(const Question& question, const std::string& base,
                         const std::vector<db::SourceFile>& files) {
  FileFindings found;
  web::WebSettings settings;
  settings.user_agent = question.user_agent;
  settings.ca_file = question.ca_file;
  settings.connect_timeout = settings.timeout = time_left(question);
  settings.longest_wait = std::chrono::milliseconds(0);
  if (settings.timeout.count() == 0) return found;
  const auto end = Clock::now() + time_left(question, 2);
  head::FileAsker asker(std::move(settings), question.own_urls);
  for (const db::SourceFile& file : files) {
    ++found.asked;
    asker.ask(file_url(base, file.path), [&found, &file](head::FileAnswer&& answer) {
      const bool is_there = answer.kind == head::FileAnswer::Kind::there;
      if (is_there && answer.size_bytes == file.size_bytes) {
        ++found.there;
        return;
      }
      found.example = file.path;
      found.words = is_there ? fmt::format("{} bytes there, {} at the source", answer.size_bytes,
                                           file.size_bytes)
                             : answer.words;
    });
  }
  while (asker.open() > 0 && Clock::now() < end && !is_over(question)) asker.run(question.stop_fd);
  if (found.there < found.asked && found.words.empty()) found.words = "no answer in time";
  return found;
}

std::string drop_other_tree(const FileFindings& https, const FileFindings& http, WebFindings& web) {
  if ((https.there == 0) == (http.there == 0)) return "";
  const bool drops_https = https.there == 0;
  const FileFindings& other = drops_https ? https : http;
  (drops_https ? web.https_url : web.http_url).clear();
  return fmt::format("{} is left out: none of {} random files of the source is there ('{}': {})",
                     drops_https ? "https" : "http", other.asked, printable(other.example),
                     printable(other.words));
}

IndexFindings check_index(const Question& question, const std::string& base) {
  IndexFindings found;
  const net::PoolAnswer answer = get(question, base, kMaxIndexBytes);
  if (answer.failure || answer.status != 200 || answer.cut) return found;
  web::IndexPage page = web::read_index(base, answer.body, answer.end_is_told);
  if (page.shape.empty() || !page.fault.empty()) return found;
  found.shape = page.shape;
  for (web::PageEntry& entry : page.entries) found.names.push_back(std::move(entry.name));
  found.robots_forbid = !robots_allow(question, base);
  return found;
}

}  // namespace mirror::scanner::discover
