#include "url_rules.h"

#include <strings.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <string_view>

#include "httpd_api.h"

#include <util_cfgtree.h>

namespace mirror::httpd {
namespace {

bool found = true;

bool is_one_of(const char* word, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* other) { return strcasecmp(word, other) == 0; });
}

// Sections whose rules are about files on disk: they cannot tell URLs of a tree apart, or are
// judged with the file itself.
bool is_about_files(const char* name) {
  return is_one_of(
      name, {"<Directory", "<DirectoryMatch", "<Files", "<FilesMatch", "<Proxy", "<ProxyMatch"});
}

// Modules that never deny a URL. Any directive of another or an unknown module counts as a rule.
bool is_harmless_module(const char* file) {
  return is_one_of(file, {"mod_mirror.c",     "mod_so.c",        "mod_unixd.c",
                          "mod_log_config.c", "mod_logio.c",     "mod_mime.c",
                          "mod_dir.c",        "mod_headers.c",   "mod_expires.c",
                          "mod_env.c",        "mod_setenvif.c",  "mod_deflate.c",
                          "mod_status.c",     "mod_remoteip.c",  "mod_reqtimeout.c",
                          "mod_http2.c",      "mod_autoindex.c", "mod_negotiation.c",
                          "mod_watchdog.c",   "prefork.c",       "worker.c",
                          "event.c"});
}

bool is_rule(const ap_directive_t* directive) {
  const char* name = directive->directive;
  if (is_one_of(name, {"<If", "<ElseIf", "<Else"})) return true;
  module* owner = ap_top_module;
  const command_rec* command = ap_find_command_in_modules(name, &owner);
  if (command == nullptr || owner == nullptr) return true;
  if (is_one_of(owner->name, {"core.c", "http_core.c"})) return false;
  if (std::strcmp(owner->name, "mod_alias.c") == 0)
    return !is_one_of(name, {"Alias", "AliasMatch", "ScriptAlias", "ScriptAliasMatch"});
  return !is_harmless_module(owner->name);
}

bool any_rule(const ap_directive_t* directive) {
  for (; directive != nullptr; directive = directive->next) {
    if (is_about_files(directive->directive)) continue;
    if (is_rule(directive) || any_rule(directive->first_child)) return true;
  }
  return false;
}

}  // namespace

void find_url_rules() { found = any_rule(ap_conftree); }

bool has_url_rules() { return found; }

}  // namespace mirror::httpd
