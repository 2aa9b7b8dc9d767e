#include "explain.h"

#include <fmt/core.h>

#include <cerrno>

#include "os/secret_file.h"
#include "request.h"

namespace mirror::httpd {
namespace {

// A proxy on this machine comes from a loopback address too, but its clients do not know the key.
bool may_ask(const request_rec* r, const ExplainSetting& setting) {
  const char* key = apr_table_get(r->headers_in, kExplainKeyHeader);
  return key != nullptr && peer_address(r).is_loopback() &&
         same_secret(globals().explain_keys[setting.key].secret, key);
}

std::string fault_text(const ExplainKey& key, const std::string& what) {
  return fmt::format("{}: MirrorExplain: {}", key.at, what);
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

std::vector<std::string> check_explain_keys() {
  std::vector<std::string> faults;
  for (const ExplainKey& key : globals().explain_keys) {
    try {
      read_own_secret(key.file);
    } catch (const SecretError& error) {
      // Whoever tests the configuration may have fewer rights than who starts httpd.
      if (error.error_number() == 0) faults.push_back(fault_text(key, error.what()));
    }
  }
  return faults;
}

std::vector<std::string> prepare_explain_keys() {
  std::vector<std::string> faults;
  for (ExplainKey& key : globals().explain_keys) {
    try {
      key.secret = own_secret(key.file);
    } catch (const SecretError& error) {
      const char* advice = error.error_number() == 0
                               ? ""
                               : "; correct the rights of its folder, or name another FILE";
      faults.push_back(fault_text(key, std::string(error.what()) + advice));
    } catch (const std::exception& error) {
      faults.push_back(fault_text(key, error.what()));
    }
  }
  return faults;
}

std::optional<ExplainWish> explain_wish(const request_rec* r, const DirConfig& config) {
  const ExplainSetting setting = config.explain.value_or(ExplainSetting());
  if (!setting.on) return std::nullopt;
  const char* form = apr_table_get(r->headers_in, kExplainHeader);
  if (form == nullptr || r->method_number != M_GET || r->main != nullptr || serves_error_page(r) ||
      !may_ask(r, setting))
    return std::nullopt;
  const char* client = apr_table_get(r->headers_in, kExplainClientHeader);
  if (client != nullptr && *client == '\0') return std::nullopt;
  auto wish = parse_explain_wish(form, client != nullptr ? client : "");
  if (wish && !wish->client) wish->client = peer_address(r);
  return wish;
}

void hide_explain_key(request_rec* r, const DirConfig& config) {
  if (!r->proxyreq || !explain_wish(r, config)) return;
  for (const char* header : {kExplainHeader, kExplainClientHeader, kExplainKeyHeader})
    apr_table_unset(r->headers_in, header);
}

int write_explanation(request_rec* r, const ExplainWish& wish, const Explanation& explanation) {
  note(r, "MB_EXPLAINED", "1");
  return write_answer(r, answer_with(wish, explanation));
}

int leave_to_httpd(request_rec* r, const DirConfig& config, std::string_view why) {
  const auto wish = explain_wish(r, config);
  if (!wish) return DECLINED;
  Explanation explanation;
  explanation.client.address = wish->client.value_or(peer_address(r));
  explanation.at_s = apr_time_sec(r->request_time);
  explanation.answer.text = "no mirror: httpd answers without mod_mirror";
  explanation.answer.because = why;
  return write_explanation(r, *wish, explanation);
}

}  // namespace mirror::httpd
