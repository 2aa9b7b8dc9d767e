// Finds out which requests are ours. Hooks pass requests here; most are declined cheaply, and an
// Exchange (exchange.h) answers the others.
#pragma once

#include "httpd_api.h"

namespace mirror::httpd {

// MirrorTree database: takes the request before httpd looks for a file, in translate_name; later
// hooks ask whether it was taken.
bool take_request(request_rec* r);
bool is_taken(const request_rec* r);
// Whether the answer to a taken request may depend on the type that httpd finds for the file's
// name.
bool needs_type(const request_rec* r);

// MirrorEngine Shadow: decides and notes what the answer would be, in fixups; httpd answers.
void shadow(request_rec* r);

// The handler proper; returns httpd's status.
int handle(request_rec* r);

}  // namespace mirror::httpd
