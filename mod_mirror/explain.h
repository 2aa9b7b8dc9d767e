// Explanations instead of answers: `mb explain URL` asks the httpd of its own machine what it would
// do (MirrorExplain On). Nobody else gets one, or learns that there are any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dir_config.h"
#include "explain/explanation.h"
#include "explain/wish.h"

namespace mirror::httpd {

// What is wrong with the files of keys that exist, a line each; writes nothing. In check_config.
std::vector<std::string> check_explain_keys();
// Reads the keys, and makes those that are missing; returns what is wrong, a line each. In
// post_config, before the first fork.
std::vector<std::string> prepare_explain_keys();

// What the request wants explained; nullopt: it is a request like any other. A wish counts only
// where MirrorExplain says so, in a GET or HEAD that knows the key and comes from a loopback
// address. Its client is then named by the wish or else is the peer: no header of a proxy counts.
// Costs one look at the headers where MirrorExplain is on, otherwise nothing.
std::optional<ExplainWish> explain_wish(const request_rec* r, const DirConfig& config);

// The key is not for the server that a proxied request goes to.
void hide_explain_key(request_rec* r, const DirConfig& config);
// Sends it, marked as not to be cached; returns what the handler returns.
int write_explanation(request_rec* r, const ExplainWish& wish, const Explanation& explanation);

// For what is not our affair: DECLINED, or the explanation that it is not, and `why`. httpd's rules
// have let the request through.
int leave_to_httpd(request_rec* r, const DirConfig& config, std::string_view why);

}  // namespace mirror::httpd
