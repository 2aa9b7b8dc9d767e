#include "handler.h"

#include <strings.h>

#include <algorithm>
#include <cstring>

#include "access.h"
#include "answer/wishes.h"
#include "child.h"
#include "core/path.h"
#include "request.h"

namespace mirror::httpd {
namespace {

constexpr const char* kHandlerName = "mirror-tree";

bool serves_error_page(const request_rec* r) {
  return r->prev != nullptr && ap_is_HTTP_ERROR(r->prev->status);
}

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

// One request on its way; the tree decides what declining means.
class Exchange {
 public:
  // `local` is the file on disk of a local tree: the request's own, or that whose representation it
  // asks for by suffix.
  Exchange(request_rec* r, const DirConfig& config, std::string_view path, const request_rec* local)
      : r_(r),
        config_(config),
        settings_(settings_of(config)),
        asked_(path),
        request_(make_request(r, path)),
        local_(local),
        tree_url_(tree_url(r, path)) {
    request_.tree_url = tree_url_;
    if (local_ == nullptr) return;
    request_.local_size_bytes = local_->finfo.size;
    note_size(local_->finfo.size);
    if (local_ != r) take_suffix();
  }

  int run();
  // For what httpd has found no file for in a local tree: the file may be gone from the source, and
  // in its grace time.
  int run_gone();
  // For the mirrors of a repository: the path is its marker's.
  int run_list(const Repository& repository);

 private:
  int decline(DeclineReason reason);
  int answer_for(Lookup& lookup);
  int decide_for(Lookup& lookup);
  int answer(Outcome outcome, RestReader rest = {});
  RestReader rest_of(const Lookup& lookup, const Outcome& outcome) const;
  int without_database();
  std::unique_ptr<Lookup> find() const;
  int right_to(std::string_view path);
  int forbid(int status);
  bool take_suffix();
  bool may_have_suffix() const;
  bool is_local_version(const File& file) const;
  void note_size(std::int64_t size_bytes) { note(r_, "MB_FILESIZE", std::to_string(size_bytes)); }

  request_rec* r_;
  const DirConfig& config_;
  const Settings settings_;
  const std::string_view asked_;  // the path that the URL stands for, with its suffix
  Request request_;
  const request_rec* local_;  // null: a database tree, or a repository
  const std::string tree_url_;
  Client client_;
};

// Whether the path may name a representation, which a file of that name goes before.
bool Exchange::may_have_suffix() const {
  const auto split = split_suffix(request_.path);
  return split && !settings_.representations.off.test(static_cast<std::size_t>(split->which));
}

bool Exchange::take_suffix() {
  if (!may_have_suffix()) return false;
  const auto split = split_suffix(request_.path);
  request_.path = split->path;
  request_.suffix = split->which;
  return true;
}

std::unique_ptr<Lookup> Exchange::find() const {
  const Child* self = child();
  if (self == nullptr) return nullptr;
  const HashParts parts = needed_hashes(request_);
  if (CatalogKeeper* keeper = self->catalog_of(config_)) {
    const std::int64_t age_s = std::max<std::int64_t>(0, request_.now_s - keeper->as_of_s());
    auto lookup = keeper->find(request_.path, request_.now_s, parts);
    if (lookup) {
      note(r_, "MB_CATALOG_AGE", std::to_string(age_s));
      const std::int64_t max_age_s = config_.catalog_max_age_s.value_or(0);
      return max_age_s > 0 && age_s > max_age_s ? nullptr : std::move(lookup);
    }
  }
  if (!config_.database) return nullptr;
  return self->databases.at(config_.database->index)->find(request_.path, parts);
}

int Exchange::run() {
  client_.address = client_address(r_);
  const auto reason = screen(request_, client_.address, settings_);
  if (reason && (*reason == DeclineReason::method || *reason == DeclineReason::directory ||
                 *reason == DeclineReason::bad_path)) {
    return decline(*reason);
  }
  const Query query = parse_query(request_.query);
  const Child* self = child();
  if (self != nullptr) client_ = self->geo->locate(client_.address);
  note_client(r_, overridden(client_, query));
  if (const auto answer = query.malformed ? query_answer(query) : std::nullopt)
    return write_answer(r_, *answer);
  const bool may_be_representation = config_.database_tree() && may_have_suffix();
  if (reason && !may_be_representation) return decline(*reason);
  auto lookup = find();
  if (lookup && lookup->found == Found::absent && may_be_representation && take_suffix()) {
    lookup.reset();  // before rules are asked, and before another state of the catalog is held
    if (const int status = right_to(request_.path); status != OK) return forbid(status);
    lookup = find();
    return lookup ? answer_for(*lookup) : without_database();
  }
  if (reason) {
    lookup.reset();
    return decline(
        *reason);  // exclusions keep files from being redirected, not their representations
  }
  return lookup ? answer_for(*lookup) : without_database();
}

int Exchange::run_gone() {
  client_.address = client_address(r_);
  if (screen(request_, client_.address, settings_)) return DECLINED;
  auto lookup = find();
  if (lookup && lookup->found == Found::absent && take_suffix()) {
    lookup.reset();
    if (right_to(request_.path) != OK) return DECLINED;
    lookup = find();
  }
  if (!lookup || lookup->found != Found::file || !lookup->gone) return DECLINED;
  if (const Child* self = child()) client_ = self->geo->locate(client_.address);
  note_client(r_, overridden(client_, parse_query(request_.query)));
  return answer_for(*lookup);
}

int Exchange::run_list(const Repository& repository) {
  request_.repository = &repository;
  request_.tree_url = "";
  if (const Child* self = child()) client_ = self->geo->locate(client_address(r_));
  note_client(r_, overridden(client_, parse_query(request_.query)));
  if (const int status = right_to(request_.path); status != OK) return forbid(status);
  auto lookup = find();
  if (!lookup) return without_database();
  if (lookup->found != Found::file) {
    lookup.reset();
    return answer(no_repository(DeclineReason::not_in_table));
  }
  return decide_for(*lookup);
}

// What is looked up is let go before anything is sent: a slow client must not hold a state of the
// catalog.
int Exchange::answer_for(Lookup& lookup) {
  const auto without = [&](DeclineReason reason) {
    lookup.snapshot.reset();
    return decline(reason);
  };
  if (lookup.found == Found::directory) return without(DeclineReason::directory);
  if (lookup.found == Found::absent) return without(DeclineReason::not_in_table);
  if (!is_local_version(lookup.file)) return without(DeclineReason::version_differs);
  note_size(lookup.file.size_bytes);
  return decide_for(lookup);
}

int Exchange::decide_for(Lookup& lookup) {
  Outcome outcome =
      decide(request_, client_, lookup.file, *lookup.mirrors, settings_, lookup.hashes);
  RestReader rest = rest_of(lookup, outcome);
  const bool is_link = lookup.file.path != request_.path;
  lookup.snapshot.reset();
  if (is_link) {
    if (const int status = right_to(lookup.file.path); status != OK) return forbid(status);
  }
  return answer(std::move(outcome), std::move(rest));
}

// Reads zsync's sums from where the file was found, anew for each piece: no state and no connection
// is held while a client takes its time. A file that changes meanwhile ends the answer.
RestReader Exchange::rest_of(const Lookup& lookup, const Outcome& outcome) const {
  const auto* made = std::get_if<Outcome::Answer>(&outcome.result);
  if (made == nullptr || made->rest_bytes == 0) return {};
  CatalogKeeper* keeper = lookup.snapshot ? child()->catalog_of(config_) : nullptr;
  Database* database =
      keeper == nullptr ? child()->databases.at(config_.database->index).get() : nullptr;
  return [keeper, database, path = lookup.file.path, sha1 = lookup.hashes.sha1](
             std::int64_t offset, std::int64_t count) {
    return keeper != nullptr ? keeper->zsync_part(path, sha1, offset, count)
                             : database->zsync_part(path, sha1, offset, count);
  };
}

// The path of a file that this request's URL itself has not been checked for. No state of the
// catalog may be held: a rule may ask a slow server for a password's owner.
int Exchange::right_to(std::string_view path) { return access_to(r_, config_, asked_, path); }

// A link of a local tree: httpd sends the file by its own rules, which is no answer to a wish for
// something else.
int Exchange::forbid(int status) {
  note(r_, "MB_DECLINED", decline_text(DeclineReason::access));
  return !config_.database_tree() && !unanswered(request_) ? DECLINED : status;
}

int Exchange::answer(Outcome outcome, RestReader rest) {
  if (outcome.mirror != nullptr) note(r_, "MB_MIRROR", outcome.mirror->identifier);
  if (outcome.no_mirror) note(r_, "MB_NOMIRROR", "1");
  if (outcome.tier) note(r_, "MB_REALM", tier_name(*outcome.tier));
  if (outcome.given) note(r_, "MB_REPRESENTATION", info_of(*outcome.given).name);
  if (outcome.refused) {
    note(r_, "MB_DECLINED", decline_text(*outcome.refused));
    if (APLOG_R_IS_LEVEL(r_, APLOG_INFO))
      log_line(r_, APLOG_INFO, LogId(105), "no representation: " + std::string(outcome.why));
  }
  if (const auto* reason = std::get_if<DeclineReason>(&outcome.result)) return decline(*reason);
  return write_answer(r_, std::get<Outcome::Answer>(std::move(outcome.result)), std::move(rest));
}

bool Exchange::is_local_version(const File& file) const {
  if (local_ == nullptr) return true;
  return local_->finfo.size == file.size_bytes && apr_time_sec(local_->finfo.mtime) == file.mtime_s;
}

// A wish for something else than the file's bytes is never answered by them.
int Exchange::without_database() {
  note(r_, "MB_DECLINED", decline_text(DeclineReason::database_down));
  if (wanted(request_, parse_query(request_.query))) return unavailable(r_);
  if (config_.down_policy() == DownPolicy::serve) return decline(DeclineReason::database_down);
  if (config_.down_policy() == DownPolicy::fallback) {
    if (const auto answer = fallback_answer(request_, client_, request_.path, settings_))
      return write_answer(r_, *answer);
  }
  return unavailable(r_);
}

// Local trees: httpd serves the file. Database trees: the origin does, and what is no file is a
// 404.
int Exchange::decline(DeclineReason reason) {
  note(r_, "MB_DECLINED", decline_text(reason));
  if (!config_.database_tree()) {
    // httpd sends the file, for POST too, which is no answer to a wish for something else.
    const auto answer = unanswered(request_);
    return answer ? write_answer(r_, *answer) : DECLINED;
  }
  if (reason == DeclineReason::not_in_table || reason == DeclineReason::bad_path)
    return HTTP_NOT_FOUND;
  return redirect_to_origin(r_, *config_.origin, request_.path);
}

// Which list a URL means, if any: right below the section that has the repositories.
std::optional<Representation> repository_list(const request_rec* r, const DirConfig& config) {
  if (!config.repositories || config.repositories->rules->empty()) return std::nullopt;
  const auto name = tree_path(r, config.repositories->root);
  if (name == "mirrorlist") return Representation::text;
  if (name == "metalink") return Representation::metalink;
  return std::nullopt;
}

int handle_list(request_rec* r, const DirConfig& config, Representation form) {
  if (r->method_number != M_GET) {
    r->allowed |= AP_METHOD_BIT << M_GET;
    return HTTP_METHOD_NOT_ALLOWED;
  }
  const std::string_view query = r->args != nullptr ? r->args : "";
  if (auto answer = query_answer(parse_query(query))) return write_answer(r, *std::move(answer));
  auto repository = find_repository(*config.repositories->rules, query);
  if (!repository) {
    const Outcome outcome = no_repository(DeclineReason::no_repository);
    note(r, "MB_DECLINED", decline_text(*outcome.refused));
    return write_answer(r, std::get<Outcome::Answer>(outcome.result));
  }
  repository->form = form;
  repository->url = own_url(r);
  const std::string marker = repository->marker_path();
  return Exchange(r, config, marker, nullptr).run_list(*repository);
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

// The file whose representation a request for what is no file names by its suffix: looked up as
// httpd would, with its access control, so that nobody learns of what he may not fetch. nullptr
// when there is none.
const request_rec* suffixed_file(request_rec* r, const DirConfig& config) {
  if (!finds_no_file(r) || r->method_number != M_GET ||
      (r->path_info != nullptr && *r->path_info != '\0'))
    return nullptr;
  const auto path = tree_path(r, config.root());
  const auto split = path ? split_suffix(*path) : std::nullopt;
  const std::string_view uri = r->uri;
  if (!split || !uri.ends_with(*path)) return nullptr;
  std::string base;
  append_url_path(base, uri.substr(0, uri.size() - (path->size() - split->path.size())));
  const request_rec* file = ap_sub_req_lookup_uri(base.c_str(), r, nullptr);
  const bool is_there = file->status == HTTP_OK && file->finfo.filetype == APR_REG &&
                        has_plain_handler(file) &&
                        (file->path_info == nullptr || *file->path_info == '\0');
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

bool may_take(const request_rec* r, const DirConfig* config) {
  if (!is_complete(config) || !config->database_tree()) return false;
  if (r->main != nullptr || serves_error_page(r) || r->proxyreq || r->method_number == M_TRACE)
    return false;
  return r->uri != nullptr && *r->uri == '/';
}

}  // namespace

bool take_request(request_rec* r) {
  if (take_access_check(r)) return true;
  const DirConfig* config = dir_config(r->per_dir_config);
  if (!may_take(r, config) || has_handler_set(r)) return false;
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
  if (!is_complete(config) || config->database_tree()) return DECLINED;
  if (const auto list = finds_no_file(r) ? repository_list(r, *config) : std::nullopt)
    return handle_list(r, *config, *list);
  const request_rec* local = is_local_file(r) ? r : suffixed_file(r, *config);
  if (local == nullptr) {
    const auto missing = missing_path(r, *config);
    return missing ? Exchange(r, *config, *missing, nullptr).run_gone() : DECLINED;
  }
  const auto path = tree_path(r, config->root());
  if (!path) return DECLINED;
  return Exchange(r, *config, *path, local).run();
}

}  // namespace mirror::httpd
