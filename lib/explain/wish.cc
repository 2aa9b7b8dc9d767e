#include "explain/wish.h"

#include "installed.h"

namespace mirror {

const char* default_explain_key_file() { return MIRROR_STATEDIR "/explain-key"; }

std::optional<ExplainWish> parse_explain_wish(std::string_view form, std::string_view client) {
  ExplainWish wish;
  wish.json = form == explain_form(true);
  if (!wish.json && form != explain_form(false)) return std::nullopt;
  if (client.empty()) return wish;
  wish.client = Address::parse(client);
  const bool has_zone = client.find('%') != client.npos;
  return wish.client && !has_zone ? std::optional(wish) : std::nullopt;
}

}  // namespace mirror
