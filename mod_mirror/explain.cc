#include "explain.h"

#include <strings.h>

#include <algorithm>
#include <iterator>

#include "request.h"

namespace mirror::httpd {
namespace {

// All that mb sends. A proxy of whatever kind, on this machine too, adds others: such a request
// comes from elsewhere.
constexpr const char* kMbHeaders[] = {"Host",       "User-Agent",   "Accept",
                                      "Connection", kExplainHeader, kExplainClientHeader};

int is_mbs(void*, const char* name, const char*) noexcept {
  return std::any_of(std::begin(kMbHeaders), std::end(kMbHeaders),
                     [&](const char* known) { return strcasecmp(name, known) == 0; });
}

// The same object, not the same address: mod_remoteip makes a new one, whatever it holds.
bool is_peers_own(const request_rec* r) {
  const conn_rec* connection = r->connection;
  return connection->master == nullptr && r->useragent_addr == connection->client_addr &&
         peer_address(r).is_loopback() &&
         apr_table_do(is_mbs, nullptr, r->headers_in, nullptr) != 0;
}

Outcome::Answer answer_with(const ExplainWish& wish, const Explanation& explanation) {
  const char* type = wish.json ? "application/json" : "text/plain; charset=utf-8";
  return {HTTP_OK,
          {{"Content-Type", type},
           {"Cache-Control", "no-store"},
           {"X-Content-Type-Options", "nosniff"},
           {kExplainHeader, explain_form(wish.json)}},
          wish.json ? explanation_json(explanation) : explanation_text(explanation)};
}

}  // namespace

std::optional<ExplainWish> explain_wish(const request_rec* r, const DirConfig& config) {
  if (!config.explain.value_or(false)) return std::nullopt;
  const char* form = apr_table_get(r->headers_in, kExplainHeader);
  if (form == nullptr || r->method_number != M_GET || r->main != nullptr || serves_error_page(r) ||
      !is_peers_own(r))
    return std::nullopt;
  const char* client = apr_table_get(r->headers_in, kExplainClientHeader);
  if (client != nullptr && *client == '\0') return std::nullopt;
  return parse_explain_wish(form, client != nullptr ? client : "");
}

int write_explanation(request_rec* r, const ExplainWish& wish, const Explanation& explanation) {
  return write_answer(r, answer_with(wish, explanation));
}

int leave_to_httpd(request_rec* r, const DirConfig& config, std::string_view why) {
  const auto wish = explain_wish(r, config);
  if (!wish) return DECLINED;
  Explanation explanation;
  explanation.client.address = wish->client.value_or(client_address(r));
  explanation.at_s = apr_time_sec(r->request_time);
  explanation.answer.text = "no mirror: httpd answers without mod_mirror";
  explanation.answer.because = why;
  return write_explanation(r, *wish, explanation);
}

}  // namespace mirror::httpd
