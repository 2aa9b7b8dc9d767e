// The boundary to httpd: the module record, the hooks, and the one guard through which httpd calls
// us. No exception passes it.
#include "check.h"
#include "child.h"
#include "directives.h"
#include "explain.h"
#include "handler.h"
#include "status.h"
#include "url_rules.h"

#include <apr_optional_hooks.h>
#include <mod_status.h>
#include <mpm_common.h>

namespace mirror::httpd {
namespace {

// Allocates nothing of its own: memory may be what is missing.
void log_failure(const server_rec* server, const char* where, const char* what) noexcept {
  ap_log_error(APLOG_MARK, APLOG_ERR, 0, server, "MIR0101: mod_mirror failed in %s: %s", where,
               what);
}

// Every hook's body runs in here. What it throws is logged, and `on_failure` is what httpd gets.
template <class Body>
int guarded(const server_rec* server, const char* where, int on_failure, Body body) noexcept {
  try {
    return body();
  } catch (const std::exception& error) {
    log_failure(server, where, error.what());
  } catch (...) {
    log_failure(server, where, "an exception of no known kind");
  }
  return on_failure;
}

int report(const std::vector<std::string>& faults) {
  for (const auto& fault : faults)
    log_line(static_cast<const server_rec*>(nullptr), APLOG_STARTUP | APLOG_EMERG, LogId(102),
             fault);
  return faults.empty() ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

void log_notes(const server_rec* server) {
  for (const auto& [about, text] : globals().notes)
    log_line(server, APLOG_WARNING, LogId(107), text);
}

int on_pre_config(apr_pool_t* pconf, apr_pool_t*, apr_pool_t*) noexcept {
  return guarded(nullptr, "pre_config", HTTP_INTERNAL_SERVER_ERROR, [&] {
    reset_globals(pconf);
    return OK;
  });
}

int on_check_config(apr_pool_t*, apr_pool_t*, apr_pool_t*, server_rec* server) noexcept {
  return guarded(server, "check_config", HTTP_INTERNAL_SERVER_ERROR, [&] {
    find_url_rules();
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST) log_notes(server);
    auto faults = check_configuration(server);
    for (auto& fault : check_explain_keys()) faults.push_back(std::move(fault));
    return report(faults);
  });
}

int on_post_config(apr_pool_t*, apr_pool_t*, apr_pool_t*, server_rec* server) noexcept {
  return guarded(server, "post_config", HTTP_INTERNAL_SERVER_ERROR, [&] {
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) return OK;
    log_notes(server);
    if (const int failed = report(prepare_explain_keys()); failed != OK) return failed;
    prepare_shared_memory(server);
    prepare_catalogs(server);
    prepare_geo_copies(server);
    if (!globals().databases.empty() && globals().geo_files.empty()) {
      log_line(server, APLOG_WARNING, LogId(103),
               "no MirrorGeoDatabase: it is not known where clients are, so all mirrors are "
               "equally far");
    }
    return OK;
  });
}

int before_privileges_drop(apr_pool_t*, server_rec*) noexcept {
  hold_signals();
  return OK;
}

int after_privileges_drop(apr_pool_t*, server_rec*) noexcept {
  release_signals();
  return OK;
}

void on_child_init(apr_pool_t* pchild, server_rec* server) noexcept {
  hold_signals();
  guarded(server, "child_init", OK, [&] {
    start_child(pchild, server);
    return OK;
  });
  release_signals();
}

int on_translate_name(request_rec* r) noexcept {
  return guarded(r->server, "translate_name", HTTP_INTERNAL_SERVER_ERROR,
                 [&] { return take_request(r) ? OK : DECLINED; });
}

int on_map_to_storage(request_rec* r) noexcept {
  return guarded(r->server, "map_to_storage", DECLINED,
                 [&] { return is_taken(r) ? OK : DECLINED; });
}

// The types that httpd finds by names cost it more than a lookup: they are asked for where
// something depends on them.
int on_type_checker(request_rec* r) noexcept {
  return guarded(r->server, "type_checker", DECLINED,
                 [&] { return is_taken(r) && !needs_type(r) ? OK : DECLINED; });
}

int on_fixups(request_rec* r) noexcept {
  return guarded(r->server, "fixups", DECLINED, [&] {
    shadow(r);
    return DECLINED;
  });
}

int on_handler(request_rec* r) noexcept {
  const int on_failure = is_taken(r) ? HTTP_INTERNAL_SERVER_ERROR : DECLINED;
  return guarded(r->server, "the handler", on_failure, [&] { return handle(r); });
}

int on_status(request_rec* r, int flags) noexcept {
  return guarded(r->server, "the status page", OK, [&] {
    write_status(r, (flags & AP_STATUS_SHORT) != 0);
    return OK;
  });
}

void register_hooks(apr_pool_t*) noexcept {
  // Lists and repositories with a URL of their own go before a tree.
  static const char* const kNamed[] = {"mod_rewrite.c", "mod_alias.c", nullptr};
  static const char* const kCatchAll[] = {"mod_vhost_alias.c", "mod_userdir.c", nullptr};
  ap_hook_pre_config(on_pre_config, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_check_config(on_check_config, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_post_config(on_post_config, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_drop_privileges(before_privileges_drop, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_hook_drop_privileges(after_privileges_drop, nullptr, nullptr, APR_HOOK_REALLY_LAST);
  ap_hook_child_init(on_child_init, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_translate_name(on_translate_name, kNamed, kCatchAll, APR_HOOK_MIDDLE);
  ap_hook_map_to_storage(on_map_to_storage, nullptr, nullptr, APR_HOOK_FIRST);
  ap_hook_type_checker(on_type_checker, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_hook_fixups(on_fixups, nullptr, nullptr, APR_HOOK_LAST);
  APR_OPTIONAL_HOOK(ap, status_hook, on_status, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_handler(on_handler, nullptr, nullptr, APR_HOOK_FIRST);
}

}  // namespace
}  // namespace mirror::httpd

// The one symbol that the version script exports. Written out, since STANDARD20_MODULE_STUFF would
// name the module by this file. `module` at the start of a line would begin a C++20 module
// declaration for clang.
module_struct __attribute__((visibility("default"))) mirror_module = {
    .version = MODULE_MAGIC_NUMBER_MAJOR,
    .minor_version = MODULE_MAGIC_NUMBER_MINOR,
    .module_index = -1,
    .name = "mod_mirror.c",
    .dynamic_load_handle = nullptr,
    .next = nullptr,
    .magic = MODULE_MAGIC_COOKIE,
    .rewrite_args = nullptr,
    .create_dir_config = mirror::httpd::create_dir_config,
    .merge_dir_config = mirror::httpd::merge_dir_config,
    .create_server_config = nullptr,
    .merge_server_config = nullptr,
    .cmds = mirror::httpd::commands(),
    .register_hooks = mirror::httpd::register_hooks,
    .flags = 0,
};
