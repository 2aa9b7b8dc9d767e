#include "tools/mb/files/explain_url.h"

#include <fmt/core.h>

#include <strings.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <vector>

#include "config.h"
#include "core/address.h"
#include "explain/wish.h"
#include "net/fetcher.h"
#include "os/secret_file.h"
#include "tools/mb/context.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

using Kind = net::FetchError::Kind;

// Where httpd is looked for: the URL's port of each.
constexpr const char* kOwnAddresses[] = {"127.0.0.1:", "[::1]:"};

std::string with_query(std::string url, const std::string& query) {
  url.erase(std::min(url.find('#'), url.size()));
  if (query.empty()) return url;
  return url + (url.find('?') == url.npos ? '?' : '&') + query;
}

bool is_port(std::string_view text) {
  int port = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  return fault == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

// Nobody else's httpd is asked: it would not answer, and would learn of the question.
std::string loopback_target(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = std::string_view(text).substr(0, colon == text.npos ? 0 : colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = Address::parse(host);
  if (!address || !address->is_loopback() || bracketed != (address->family == Family::ipv6) ||
      host.find('%') != host.npos || !is_port(std::string_view(text).substr(colon + 1))) {
    throw UsageError(
        fmt::format("--connect '{}': expected a loopback address of this machine and a port, like "
                    "127.0.0.1:8080 or [::1]:8080",
                    text));
  }
  return text;
}

std::string key_of(const UrlQuestion& question) {
  const std::string file =
      question.key_file.empty() ? default_explain_key_file() : question.key_file;
  try {
    return read_secret(file);
  } catch (const SecretError& error) {
    const char* advice = "";
    if (error.error_number() == ENOENT) {
      advice =
          "\nhttpd makes this file when it starts with `MirrorExplain On` in its configuration; "
          "if that names another FILE, use --key FILE";
    } else if (error.error_number() == EACCES) {
      advice = "\nRun mb as root, or give your group the right to read this file";
    }
    throw UsageError(fmt::format("explain: {}{}", error.what(), advice));
  }
}

net::FetchRequest request_for(const UrlQuestion& question) {
  net::FetchRequest request;
  request.url = with_query(question.url, question.query);
  request.headers.push_back(fmt::format("{}: {}", kExplainHeader, explain_form(question.json)));
  request.headers.push_back(fmt::format("{}: {}", kExplainKeyHeader, key_of(question)));
  if (!question.client.empty())
    request.headers.push_back(fmt::format("{}: {}", kExplainClientHeader, question.client));
  request.user_agent = question.user_agent.empty() ? "mb/" PACKAGE_VERSION : question.user_agent;
  request.ca_file = question.ca_file;
  return request;
}

[[noreturn]] void fail(const UrlQuestion& question, const std::string& where,
                       const net::FetchError& error) {
  switch (error.kind()) {
    case Kind::url:
      throw UsageError(fmt::format("'{}': {}", question.url, error.what()));
    case Kind::ca_file:
      throw UsageError(
          fmt::format("--cacert '{}' cannot be used: {}", question.ca_file, error.what()));
    case Kind::connect:
      throw Failure(fmt::format(
          "nothing that could be asked listens on this machine at {}: {}\n--connect HOST:PORT says "
          "where else httpd listens",
          where, error.what()));
    case Kind::certificate:
      throw Failure(
          fmt::format("the certificate at {} is not one for this URL: {}\n--cacert FILE names an "
                      "authority that the system does not know",
                      where, error.what()));
    case Kind::timeout:
      throw Failure(fmt::format("no answer at {} in time: {}", where, error.what()));
    case Kind::too_large:
    case Kind::other:
      break;
  }
  throw Failure(fmt::format("no explanation from {}: {}", where, error.what()));
}

net::FetchResponse fetch(const UrlQuestion& question) {
  std::vector<std::string> targets(std::begin(kOwnAddresses), std::end(kOwnAddresses));
  if (!question.connect.empty()) targets = {loopback_target(question.connect)};
  net::FetchRequest request = request_for(question);
  net::Fetcher fetcher;
  for (std::size_t i = 0;; ++i) {
    request.connect_to = targets[i];
    try {
      return fetcher.get(request);
    } catch (const net::FetchError& error) {
      const bool goes_on = error.kind() == Kind::connect && i + 1 < targets.size();
      if (goes_on) continue;
      const std::string where =
          question.connect.empty() ? "127.0.0.1 and ::1, the URL's port" : question.connect;
      fail(question, where, error);
    }
  }
}

void require_explanation(const UrlQuestion& question, const net::FetchResponse& response) {
  if (response.status == 200 && response.header(kExplainHeader) == explain_form(question.json))
    return;
  if (response.status == 401 || response.status == 403) {
    throw Failure(
        fmt::format("httpd at {} answered {}: its access rules refuse this URL to requests from "
                    "this machine, and what is refused is not explained",
                    response.peer, response.status));
  }
  throw Failure(fmt::format(
      "httpd at {} answered {}, and not with an explanation: `MirrorExplain On` is not set for "
      "this URL or names another FILE (--key FILE), mod_mirror is not loaded, or httpd's access "
      "rules refuse the file that the URL leads to",
      response.peer, response.status));
}

// What is nested deeper is left out: the answer may not come from httpd, and printing recurses.
bool is_shallow(int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
  constexpr int kMostNested = 16;
  return depth <= kMostNested;
}

}  // namespace

bool is_web_url(const std::string& text) {
  const auto begins = [&](std::string_view scheme) {
    return strncasecmp(text.c_str(), scheme.data(), scheme.size()) == 0;
  };
  return begins("http://") || begins("https://");
}

int explain_url(const UrlQuestion& question) {
  const net::FetchResponse response = fetch(question);
  require_explanation(question, response);
  if (!question.json) {
    say(fmt::format("as httpd at {} sees it", response.peer));
    say_lines(response.body);
    return kSuccess;
  }
  nlohmann::json told = nlohmann::json::parse(response.body, is_shallow, false);
  if (!told.is_object())
    throw Failure(fmt::format("httpd at {} answered something else than JSON", response.peer));
  told["seen_by"] = response.peer;
  say_json(told);
  return kSuccess;
}

}  // namespace mirror::mb
