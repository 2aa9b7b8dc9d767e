#include "net/fetcher.h"

#include <curl/curl.h>
#include <fmt/core.h>

#include <new>

#include "net/easy.h"
#include "os/descriptor.h"

namespace mirror::net {
namespace {

using Kind = FetchError::Kind;

// What the callbacks fill. They never throw: libcurl is C.
struct Incoming {
  const FetchRequest& request;
  FetchResponse& response;
  std::size_t header_bytes = 0;
  bool too_large = false, out_of_memory = false;

  // The number of bytes that libcurl counts as taken: fewer than came end the transfer.
  template <class Take>
  std::size_t take(std::size_t bytes, bool fits, Take take_them) noexcept {
    if (!fits) {
      too_large = true;
      return 0;
    }
    try {
      take_them();
      return bytes;
    } catch (...) {
      out_of_memory = true;
      return 0;
    }
  }
};

std::size_t on_body(char* data, std::size_t, std::size_t bytes, void* incoming) noexcept {
  auto& into = *static_cast<Incoming*>(incoming);
  std::string& body = into.response.body;
  return into.take(bytes, bytes <= into.request.max_body_bytes - body.size(),
                   [&] { body.append(data, bytes); });
}

std::size_t on_header(char* data, std::size_t, std::size_t bytes, void* incoming) noexcept {
  auto& into = *static_cast<Incoming*>(incoming);
  into.header_bytes += bytes;
  return into.take(bytes, into.header_bytes <= into.request.max_header_bytes, [&] {
    add_header(into.response.headers, {data, bytes});
  });
}

// Called once a second at least, also while nothing comes. What is not 0 ends the transfer.
int on_progress(void* request, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return is_readable(static_cast<const FetchRequest*>(request)->stop_fd) ? 1 : 0;
}

}  // namespace

struct Fetcher::Handle : Easy {
  void set_request(const FetchRequest& request, curl_slist* headers, curl_slist* connect_to);
  [[noreturn]] void fail(CURLcode code, const Incoming& incoming) const;
};

void Fetcher::Handle::set_request(const FetchRequest& request, curl_slist* headers,
                                  curl_slist* connect_to) {
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_CONNECT_TO, connect_to);
  if (request.method != "GET") {
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());  // the request outlives the transfer
  }
  if (request.stop_fd >= 0) {
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(const_cast<FetchRequest*>(&request)));
  }
  if (!request.user_agent.empty()) set(CURLOPT_USERAGENT, request.user_agent.c_str());
  if (!request.ca_file.empty()) set(CURLOPT_CAINFO, request.ca_file.c_str());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
}

void Fetcher::Handle::fail(CURLcode code, const Incoming& incoming) const {
  if (incoming.out_of_memory) throw std::bad_alloc();
  if (incoming.too_large) {
    throw FetchError(
        Kind::too_large,
        fmt::format("the answer is larger than {} bytes, or its headers than {}",
                    incoming.request.max_body_bytes, incoming.request.max_header_bytes));
  }
  throw FetchError(kind_of(code, number(CURLINFO_NUM_CONNECTS) > 0), std::string(error(code)));
}

Fetcher::Fetcher() : handle_(std::make_unique<Handle>()) {}

Fetcher::~Fetcher() = default;

FetchResponse Fetcher::get(const FetchRequest& request) {
  require_printable(request.user_agent, "the user agent");
  for (const std::string& header : request.headers) require_printable(header, "a header");
  const List headers = make_list(request.headers);
  List connect_to;
  if (!request.connect_to.empty()) connect_to = make_list({"::" + request.connect_to});
  FetchResponse response;
  Incoming incoming{request, response};
  handle_->reset();
  handle_->set_request(request, headers.get(), connect_to.get());
  handle_->set(CURLOPT_WRITEDATA, static_cast<void*>(&incoming));
  handle_->set(CURLOPT_HEADERDATA, static_cast<void*>(&incoming));
  const CURLcode code = curl_easy_perform(handle_->curl());
  if (code != CURLE_OK) handle_->fail(code, incoming);
  response.status = static_cast<int>(handle_->number(CURLINFO_RESPONSE_CODE));
  response.peer = handle_->peer();
  return response;
}

std::string_view FetchResponse::header(std::string_view name) const {
  return find_header(headers, name);
}

}  // namespace mirror::net
