// Between request_rec and the plain values that decisions are made of. Nothing here decides.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config.h"
#include "rest.h"

namespace mirror::httpd {

// The path in the tree: the URL's or the file's less the root's prefix. nullopt when the request
// lies outside the root.
std::optional<std::string_view> tree_path(const request_rec* r, const Root& root);

// This server's URL of the tree's root, as the client named it; ends in '/'. `path` is the
// request's in the tree.
std::string tree_url(request_rec* r, std::string_view path);

// The URL that the client asked for.
std::string own_url(request_rec* r);

// Its views point into the request.
Request make_request(const request_rec* r, std::string_view path);

Address client_address(const request_rec* r);

void note(request_rec* r, const char* variable, std::string_view value);
void note_client(request_rec* r, const Client& client);

// Puts the answer into the response; returns what the handler returns. `Location` and the other
// headers hold no control characters afterwards, whatever the answer holds. `rest` reads what the
// answer says follows its body; 503 when not even its first piece can be had.
int write_answer(request_rec* r, Outcome::Answer answer, RestReader rest = {});

// A redirect to the origin for what no mirror takes: 302, for methods with a body 307, which keeps
// method and body.
int redirect_to_origin(request_rec* r, const char* origin, std::string_view path);

// 503 with Retry-After.
int unavailable(request_rec* r);

}  // namespace mirror::httpd
