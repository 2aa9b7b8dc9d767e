// How `mb explain URL` asks httpd for an explanation instead of the answer: by headers of a
// request, the first of which the answer repeats. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "core/address.h"

namespace mirror {

inline constexpr char kExplainHeader[] = "X-Mirror-Explain";               // text or json
inline constexpr char kExplainClientHeader[] = "X-Mirror-Explain-Client";  // an address
// The secret of MirrorExplain's file: who may read that may ask.
inline constexpr char kExplainKeyHeader[] = "X-Mirror-Explain-Key";

// Where httpd and mb look for the secret unless they are told another file.
const char* default_explain_key_file();

struct ExplainWish {
  bool json = false;
  std::optional<Address> client;  // who is explained for; nullopt: whoever asks
};

// nullopt unless `form` is a word of kExplainHeader and `client` is an address without a zone, or
// "": there was no such header.
std::optional<ExplainWish> parse_explain_wish(std::string_view form, std::string_view client);

// What kExplainHeader says.
constexpr const char* explain_form(bool json) { return json ? "json" : "text"; }

}  // namespace mirror
