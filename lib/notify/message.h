// A notice in the form of each kind of target: what a command, sendmail or a web service gets.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "notify/notice.h"

namespace mirror::notify {

// {"id", "instance", "subject", "text", "left_out", "changes": [{"at", "mirror", "what", "from",
// "to", "why", "text"}]}, on one line without a newline.
std::string notice_json(const Notice& notice);

// RFC 5322, with lines that end in LF, as sendmail takes it. Non-ASCII subjects are encoded words
// (RFC 2047). The Message-ID is the same each time the same notice is sent, so that mail programs
// show one that was sent twice once. `host` is for it. from "": left to sendmail.
std::string notice_mail(const Notice& notice, const std::string& from,
                        const std::vector<std::string>& to, const std::string& host,
                        std::int64_t now_s);

// A request to a web service.
struct WebMessage {
  std::string method, url, body;
  std::vector<std::string> headers;
};
// `form` is json, slack, discord, matrix or ntfy, as documented in mb.toml(5); `token` "" for none.
// nullopt: ntfy's URL names no topic.
std::optional<WebMessage> web_message(const Notice& notice, const std::string& form,
                                      const std::string& url, const std::string& token);

// What a server said, without the secrets of the request that it may repeat: the token, the URL's
// path and query, and each part of them that has four characters or more.
std::string without_address(std::string_view said, std::string_view url, std::string_view token);

// The URL's scheme and host: the rest may be a secret.
std::string url_without_path(std::string_view url);

}  // namespace mirror::notify
