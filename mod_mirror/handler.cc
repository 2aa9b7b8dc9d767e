#include "handler.h"

#include <strings.h>

#include <cstring>

#include "access.h"
#include "answer/repositories.h"
#include "answer/wishes.h"
#include "exchange.h"
#include "explain.h"
#include "request.h"

namespace mirror::httpd {
namespace {

constexpr const char* kHandlerName = "mirror-tree";

// httpd's own handler, which sends files as they are, under each of its names.
bool is_default_handler(const char* name) {
  return name == nullptr || *name == '\0' || strcasecmp(name, "none") == 0 ||
         std::strcmp(name, "default-handler") == 0;
}

// Whether httpd would send the file as it is, and not have a program or a filter of another module
// make the content.
bool has_plain_handler(const request_rec* r) {
  if (is_default_handler(r->handler)) return true;
  if (r->content_type == nullptr) return false;
  const std::string_view type = r->content_type;
  return type.substr(0, type.find(';')) == r->handler;
}

// SetHandler in the Location (server-status, say): the request is that handler's.
bool has_handler_set(request_rec* r) {
  const auto* core =
      static_cast<const core_dir_config*>(ap_get_core_module_config(r->per_dir_config));
  const char* error = nullptr;
  const char* handler = core->expr_handler != nullptr
                            ? ap_expr_str_exec(r, core->expr_handler, &error)
                            : core->handler;
  return !is_default_handler(handler);
}

// A file of a local tree that a mirror may stand in for. mod_dir puts the index in a directory's
// place: that stays local.
bool is_local_file(const request_rec* r) {
  if (r->main != nullptr || serves_error_page(r) || r->finfo.filetype != APR_REG ||
      !has_plain_handler(r))
    return false;
  if (r->path_info != nullptr && *r->path_info != '\0') return false;
  const char* asked = r->parsed_uri.path;
  return asked == nullptr || *asked == '\0' || asked[std::strlen(asked) - 1] != '/';
}

// The request's path below the highest folder that has URLs, when that lies in the section.
std::optional<std::string_view> path_below_top(const request_rec* r, const Root& root) {
  const std::string_view top = ap_context_document_root(const_cast<request_rec*>(r));
  const std::string_view section = root.prefix;
  if (!top.starts_with(section.substr(0, section.size() - section.ends_with('/'))))
    return std::nullopt;
  return tree_path(r, {Root::Kind::directory, top.data()});
}

// Which list a URL means, if any: right below the section that has the repositories, or where the
// web server's own tree begins below that.
std::optional<Representation> repository_list(const request_rec* r, const DirConfig& config) {
  if (!config.repositories || config.repositories->rules->empty()) return std::nullopt;
  const Root& root = config.repositories->root;
  auto name = tree_path(r, root);
  if (root.kind == Root::Kind::directory && name && name->find('/') != name->npos)
    name = path_below_top(r, root);
  if (name == "mirrorlist") return Representation::text;
  if (name == "metalink") return Representation::metalink;
  return std::nullopt;
}

int handle_list(request_rec* r, const DirConfig& config, Representation form) {
  if (config.is_shadow() && r->method_number != M_GET) return DECLINED;
  if (r->method_number != M_GET) {
    r->allowed |= AP_METHOD_BIT << M_GET;
    return HTTP_METHOD_NOT_ALLOWED;
  }
  const std::string_view query = r->args != nullptr ? r->args : "";
  auto repository = find_repository(*config.repositories->rules, query);
  const std::string marker = repository ? repository->marker_path() : "";
  Exchange exchange(r, config, marker, nullptr);
  if (exchange.request().query.malformed) return exchange.finish({.result = malformed_answer()});
  if (!repository) return exchange.finish(no_repository(DeclineReason::no_repository));
  repository->form = form;
  repository->url = own_url(r);
  return exchange.run_list(*repository);
}

int handle_taken(request_rec* r, const DirConfig& config) {
  if (const auto list = repository_list(r, config)) return handle_list(r, config, *list);
  const auto path = tree_path(r, config.root());
  if (!path) return HTTP_NOT_FOUND;
  return Exchange(r, config, *path, nullptr).run();
}

// Whether httpd has found neither a file nor a program for the URL.
bool finds_no_file(const request_rec* r) {
  return r->main == nullptr && !serves_error_page(r) && r->finfo.filetype == APR_NOFILE &&
         has_plain_handler(r);
}

// The file whose representation a request for what is not a file names by its suffix: looked up as
// httpd would, with its access control, so that nobody learns of what he may not fetch. nullptr
// when there is none.
request_rec* suffixed_file(request_rec* r, const DirConfig& config) {
  if (!finds_no_file(r) || r->method_number != M_GET ||
      (r->path_info != nullptr && *r->path_info != '\0'))
    return nullptr;
  const auto path = tree_path(r, config.root());
  const auto split = path ? split_suffix(*path) : std::nullopt;
  const std::string_view uri = r->uri;
  if (!split || !uri.ends_with(path->substr(split->path.size()))) return nullptr;
  std::string base;
  append_url_path(base, uri.substr(0, uri.size() - (path->size() - split->path.size())));
  request_rec* file = ap_sub_req_lookup_uri(base.c_str(), r, nullptr);
  const bool is_there = file->status == HTTP_OK && file->finfo.filetype == APR_REG &&
                        has_plain_handler(file) &&
                        (file->path_info == nullptr || *file->path_info == '\0') &&
                        tree_path(file, config.root()) == split->path;
  return is_there ? file : nullptr;
}

// The path in a local tree of what httpd has found no file for. Folders that are missing too stand
// in path_info.
std::optional<std::string> missing_path(const request_rec* r, const DirConfig& config) {
  if (!finds_no_file(r) || r->method_number != M_GET) return std::nullopt;
  const auto path = tree_path(r, config.root());
  if (!path) return std::nullopt;
  std::string whole(*path);
  if (config.root().kind == Root::Kind::directory && r->path_info != nullptr) whole += r->path_info;
  return whole;
}

bool is_complete(const DirConfig* config) {
  return config != nullptr && config->engine_on() && config->has_source() &&
         (!config->database_tree() || config->origin);
}

const char* why_not_taken(const DirConfig& config) {
  if (!config.engine_on()) return "MirrorEngine is Off";
  if (!config.has_source()) return "there is neither MirrorDatabase nor MirrorCatalog";
  return config.origin ? "another module has taken the request" : "there is no MirrorOrigin";
}

bool may_take(const request_rec* r, const DirConfig* config) {
  if (!is_complete(config) || !config->database_tree()) return false;
  if (r->main != nullptr || serves_error_page(r) || r->proxyreq || r->method_number == M_TRACE)
    return false;
  return r->uri != nullptr && *r->uri == '/';
}

// A local tree's.
int handle_local(request_rec* r, const DirConfig& config) {
  if (const auto list = finds_no_file(r) ? repository_list(r, config) : std::nullopt)
    return handle_list(r, config, *list);
  request_rec* local = is_local_file(r) ? r : suffixed_file(r, config);
  if (local == nullptr) {
    const auto missing = missing_path(r, config);
    return missing ? Exchange(r, config, *missing, nullptr).run_gone()
                   : leave_to_httpd(r, config, "it is a directory, or another module's");
  }
  const auto path = tree_path(r, config.root());
  if (!path) return leave_to_httpd(r, config, "it lies outside the tree");
  return Exchange(r, config, *path, local).run();
}

// Whether httpd shall answer as if the engine were off. Explanations are ours.
bool is_only_shadowed(const request_rec* r, const DirConfig& config) {
  return config.is_shadow() && !explain_wish(r, config);
}

}  // namespace

bool take_request(request_rec* r) {
  if (take_access_check(r)) return true;
  const DirConfig* config = dir_config(r->per_dir_config);
  if (!may_take(r, config) || has_handler_set(r) || is_only_shadowed(r, *config)) return false;
  make_note(r).taken = config;
  // The last segment, so that httpd finds a type for it; no folder, so that nobody looks for the
  // file on disk.
  const char* slash = std::strrchr(r->uri, '/');
  r->filename = apr_pstrcat(r->pool, "mirror:", slash + 1, nullptr);
  r->handler = kHandlerName;
  return true;
}

bool is_taken(const request_rec* r) {
  const RequestNote* own = note_of(r);
  return own != nullptr && own->taken != nullptr;
}

bool needs_type(const request_rec* r) {
  const DirConfig* config = dir_config(r->per_dir_config);
  const char* accept = apr_table_get(r->headers_in, "Accept");
  return config->excluded_mime_types != nullptr || (accept != nullptr && mentions_metalink(accept));
}

int handle(request_rec* r) {
  // A RewriteRule of the section has sent it elsewhere.
  if (r->proxyreq || (r->handler != nullptr && std::strcmp(r->handler, "redirect-handler") == 0))
    return DECLINED;
  const DirConfig* config = dir_config(r->per_dir_config);
  if (is_taken(r)) {
    return handle_taken(
        r, is_complete(config) && config->database_tree() ? *config : *note_of(r)->taken);
  }
  if (config == nullptr) return DECLINED;
  if (!is_complete(config) || config->database_tree())
    return leave_to_httpd(r, *config, why_not_taken(*config));
  return is_only_shadowed(r, *config) ? DECLINED : handle_local(r, *config);
}

void shadow(request_rec* r) {
  const DirConfig* config = dir_config(r->per_dir_config);
  if (config != nullptr) hide_explain_key(r, *config);
  if (!is_complete(config) || !is_only_shadowed(r, *config) || r->main != nullptr ||
      serves_error_page(r) || r->method_number == M_TRACE)
    return;
  if (!config->database_tree()) {
    handle_local(r, *config);
  } else if (r->uri != nullptr && *r->uri == '/' && !has_handler_set(r)) {
    handle_taken(r, *config);
  }
}

}  // namespace mirror::httpd
