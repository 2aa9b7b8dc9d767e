// One request of libcurl: what Fetcher and RequestPool share. Internal to lib/net. An Easy belongs
// to one thread at a time.
#pragma once

#include <curl/curl.h>
#include <fmt/core.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/failure.h"
#include "net/fetcher.h"
#include "net/headers.h"

namespace mirror::net {

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;
List make_list(const std::vector<std::string>& lines);

// For messages of others within ours.
std::string lower_first(std::string text);

// Once in a process, before any thread needs it.
CURLcode start_libcurl();

class Easy {
 public:
  Easy();  // throws FetchError when libcurl cannot be used
  ~Easy() { curl_easy_cleanup(curl_); }
  Easy(const Easy&) = delete;
  Easy& operator=(const Easy&) = delete;

  CURL* curl() const { return curl_; }
  // libcurl takes what it is given as a variable argument: its type must be the option's.
  template <class Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(curl_, option, value);
    if (code != CURLE_OK) {
      throw FetchError(FetchError::Kind::other,
                       fmt::format("libcurl: {}", curl_easy_strerror(code)));
    }
  }
  // Forgets the last request, and sets what no request changes.
  void reset();
  // Forgets what became of the last request alone.
  void forget_error() { error_ = {}; }

  std::string_view error(CURLcode code) const;  // libcurl's words
  long number(CURLINFO info) const;             // 0: not known
  std::string text(CURLINFO info) const;        // "": not known
  std::string peer() const;                     // "127.0.0.1:80", "[::1]:80"; "": nobody answered

 private:
  CURL* curl_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

FetchError::Kind kind_of(CURLcode code, bool connected);
// As the code alone tells; broken for codes of which no more is known.
FailureKind failure_kind_of(CURLcode code);
// Of a connection that could not be made.
std::string connect_words(const Easy& easy);

// libcurl sends what would end a line of a request's head as it is: more headers, or another
// request. Throws FetchError.
void require_printable(const std::string& text, const char* what);

}  // namespace mirror::net
