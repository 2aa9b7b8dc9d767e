// Converts between request_rec and the plain values that decisions use. Nothing here decides.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dir_config.h"
#include "rest.h"

namespace mirror::httpd {

// The path in the tree: the URL's or the file's less the root's prefix. nullopt when the request
// lies outside the root.
std::optional<std::string_view> tree_path(const request_rec* r, const Root& root);

// This server's URL of a folder of the tree, as the client named it: of the highest one that the
// request's URL tells of. As in Request: the folder is "" or ends in '/', the URL ends in '/';
// where the URL does not end in the file's name the folder is the path, and the URL the file's.
struct TreeUrl {
  std::string url;
  std::string_view folder;  // into the path
};
TreeUrl tree_url(request_rec* r, std::string_view path);

// The URL that the client asked for.
std::string own_url(request_rec* r);

// Its views point into the request.
Request make_request(const request_rec* r, std::string_view path);

// Whether it is an internal redirect to what ErrorDocument names.
bool serves_error_page(const request_rec* r);

Address client_address(const request_rec* r);  // as mod_remoteip has it
Address peer_address(const request_rec* r);    // of the connection's other end

void note(request_rec* r, const char* variable, std::string_view value);
void note_client(request_rec* r, const Client& client);

// Puts the answer into the response; returns what the handler returns. `Location` and the other
// headers then have no control characters, whatever the answer has. `rest` reads what follows the
// body; 503 if not even its first piece can be read.
int write_answer(request_rec* r, Outcome::Answer answer, RestReader rest = {});

// A redirect to the origin for what no mirror takes: 302, for methods with a body 307, which keeps
// method and body.
Outcome::Answer origin_answer(const request_rec* r, const char* origin, std::string_view path);

// 503 with Retry-After.
Outcome::Answer unavailable();

}  // namespace mirror::httpd
