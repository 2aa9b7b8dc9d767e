// Explanations instead of answers: `mb explain URL` asks the httpd of its own machine what it would
// do (MirrorExplain Loopback). Nobody else gets one, or learns that there are any.
#pragma once

#include <optional>
#include <string_view>

#include "dir_config.h"
#include "explain/explanation.h"
#include "explain/wish.h"

namespace mirror::httpd {

// What the request wants explained; nullopt: it is a request like any other. A wish counts only
// where MirrorExplain says so, in a GET that came from a loopback address straight: it has no
// header that mb does not send, as every proxy adds some, and mod_remoteip has not put another
// client in the peer's place. Costs one look at the headers where MirrorExplain is on, otherwise
// nothing.
std::optional<ExplainWish> explain_wish(const request_rec* r, const DirConfig& config);

// Sends it, marked as not to be cached; returns what the handler returns.
int write_explanation(request_rec* r, const ExplainWish& wish, const Explanation& explanation);

// For what is not our affair: DECLINED, or the explanation that it is not, and `why`. httpd's rules
// have let the request through.
int leave_to_httpd(request_rec* r, const DirConfig& config, std::string_view why);

}  // namespace mirror::httpd
