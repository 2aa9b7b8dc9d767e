#include "notify/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/encode.h"
#include "core/fnv.h"
#include "core/http_date.h"
#include "core/readable.h"
#include "core/utf8.h"

namespace mirror::notify {
namespace {

using nlohmann::json;

std::string dumped(const json& value) {
  return value.dump(-1, ' ', true, json::error_handler_t::replace);
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Encoded words of at most 75 characters, which end between characters (RFC 2047 §2).
std::string header_text(const std::string& text) {
  if (is_ascii(text)) return text;
  constexpr std::size_t kBytes = 42;
  std::string words;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(at + kBytes, text.size());
    while (end > at + 1 && end < text.size() &&
           (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;
    words += words.empty() ? "=?utf-8?B?" : "\n =?utf-8?B?";
    append_base64(words, std::string_view(text).substr(at, end - at));
    words += "?=";
    at = end;
  }
  return words;
}

// Letters and digits for an id, whatever the target is called.
std::string id_text(const Notice& notice) {
  std::string text;
  for (const char c : notice.id) text += std::isalnum(static_cast<unsigned char>(c)) ? c : '.';
  return text;
}

// Chats cut or refuse long messages.
std::string shortened(const std::string& text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  std::size_t end = most_bytes - 4;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "\n…";
}

// Slack reads three characters as markup.
std::string slack_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::string both(const Notice& notice) {
  return notice.changes.size() == 1 && notice.left_out == 0 ? notice.text
                                                            : notice.subject + "\n" + notice.text;
}

// The topic is the last part of the URL's path; the message goes to the folder above it.
std::optional<WebMessage> ntfy_message(const Notice& notice, const std::string& url) {
  const std::size_t host = url.find("://");
  const std::string_view whole = std::string_view(url).substr(0, url.find_first_of("?#"));
  const std::size_t slash = whole.rfind('/');
  if (host == url.npos || slash < host + 3 || slash == whole.npos || slash + 1 == whole.size())
    return std::nullopt;
  const bool is_down =
      std::any_of(notice.changes.begin(), notice.changes.end(),
                  [](const Change& change) { return change.to == "down" || change.to == "wrong"; });
  return WebMessage{"POST",
                    std::string(whole.substr(0, slash + 1)),
                    dumped({{"topic", whole.substr(slash + 1)},
                            {"title", notice.subject},
                            {"message", shortened(notice.text, 3500)},
                            {"priority", is_down ? 4 : 3}}),
                    {}};
}

// Of URLs: between the parts of path and query.
constexpr std::string_view kSeparators = "/?&=#";
constexpr std::size_t kShortestSecret = 4;  // what is shorter stands in any sentence

void blank(std::string& text, std::string_view secret) {
  if (secret.size() < kShortestSecret) return;
  for (std::size_t at = 0; (at = text.find(secret, at)) != text.npos; at += 3)
    text.replace(at, secret.size(), "***");
}

}  // namespace

std::string notice_json(const Notice& notice) {
  json changes = json::array();
  for (const Change& change : notice.changes) {
    changes.push_back({{"at", rfc3339(change.at_s)},
                       {"mirror", change.mirror},
                       {"what", change.what},
                       {"from", change.from},
                       {"to", change.to},
                       {"why", without_secrets(change.why)},
                       {"text", sentence(change)}});
  }
  return dumped({{"id", notice.id},
                 {"instance", notice.instance},
                 {"subject", notice.subject},
                 {"text", notice.text},
                 {"left_out", notice.left_out},
                 {"changes", changes}});
}

std::string notice_mail(const Notice& notice, const std::string& from,
                        const std::vector<std::string>& to, const std::string& host,
                        std::int64_t now_s) {
  std::string receivers;
  for (const std::string& address : to) receivers += (receivers.empty() ? "" : ", ") + address;
  std::string date = http_date(now_s);  // as RFC 5322 has it, but for the zone's name
  if (date.ends_with("GMT")) date.replace(date.size() - 3, 3, "+0000");
  return fmt::format(
      "{}To: {}\nSubject: {}\nDate: {}\nMessage-ID: <{}@{}>\nAuto-Submitted: auto-generated\n"
      "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
      "Content-Transfer-Encoding: 8bit\n\n{}\n",
      from.empty() ? "" : "From: " + from + "\n", receivers, header_text(notice.subject), date,
      id_text(notice), host, notice.text);
}

std::optional<WebMessage> web_message(const Notice& notice, const std::string& form,
                                      const std::string& url, const std::string& token) {
  WebMessage message{"POST", url, "", {}};
  if (form == "slack") {
    message.body = dumped({{"text", slack_text(shortened(both(notice), 30'000))}});
  } else if (form == "discord") {
    message.body = dumped({{"content", shortened(both(notice), 1900)},
                           {"allowed_mentions", {{"parse", json::array()}}}});
  } else if (form == "matrix") {
    // The transaction's id lets the server drop a notice that is sent twice.
    message.method = "PUT";
    message.url += (url.ends_with('/') ? "" : "/") + id_text(notice);
    message.body = dumped({{"msgtype", "m.text"}, {"body", shortened(both(notice), 30'000)}});
  } else if (form == "ntfy") {
    std::optional<WebMessage> ntfy = ntfy_message(notice, url);
    if (!ntfy) return std::nullopt;
    message = std::move(*ntfy);
  } else {
    message.body = notice_json(notice);
  }
  message.headers.emplace_back("Content-Type: application/json");
  if (!token.empty()) message.headers.push_back("Authorization: Bearer " + token);
  return message;
}

std::string without_address(std::string_view said, std::string_view url, std::string_view token) {
  std::string text(said);
  blank(text, token);
  const std::size_t host = url.find("://");
  const std::size_t path = host == url.npos ? 0 : url.find_first_of("/?#", host + 3);
  if (path == url.npos) return text;
  std::string_view rest = url.substr(path);
  blank(text, rest);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(kSeparators), rest.size());
    blank(text, rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return text;
}

std::string url_without_path(std::string_view url) {
  const std::size_t host = url.find("://");
  if (host == url.npos) return "the webhook";
  const std::size_t end = std::min(url.find_first_of("/?#", host + 3), url.size());
  const std::size_t sign = url.substr(0, end).rfind('@');
  const std::size_t begin = sign == url.npos ? host + 3 : sign + 1;
  return std::string(url.substr(0, host + 3)) + std::string(url.substr(begin, end - begin));
}

}  // namespace mirror::notify
