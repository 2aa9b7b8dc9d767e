// Whether the configuration may give two URLs of one tree different rights. If not, a client that
// may ask for one URL may ask for all, and no check is needed.
#pragma once

namespace mirror::httpd {

// Looks through the configuration that httpd has just read: once, in check_config.
void find_url_rules();

// What find_url_rules() found; before, and when in doubt, true. Any thread.
bool has_url_rules();

}  // namespace mirror::httpd
