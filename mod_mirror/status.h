// What mod_status's page says of the catalogs and databases.
#pragma once

#include "httpd_api.h"

namespace mirror::httpd {

// A table of the page, or lines `Name: value` with `?auto`.
void write_status(request_rec* r, bool short_form);

}  // namespace mirror::httpd
