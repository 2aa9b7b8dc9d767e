#include "access.h"

#include <cstring>
#include <memory>
#include <optional>

#include "core/path.h"
#include "request.h"
#include "url_rules.h"

namespace mirror::httpd {
namespace {

// httpd does not check a subrequest's rules if it is in the same sections as its request. But some
// rules look at the URL itself ("Require expr"), so meanwhile the request seems to be in no
// section.
class OtherSections {
 public:
  explicit OtherSections(request_rec* r) : r_(r), own_(r->per_dir_config) {
    r_->per_dir_config = r_->server->lookup_defaults;
  }
  ~OtherSections() { r_->per_dir_config = own_; }
  OtherSections(const OtherSections&) = delete;
  OtherSections& operator=(const OtherSections&) = delete;

 private:
  request_rec* r_;
  ap_conf_vector_t* own_;
};

// While it lives, a subrequest of a database tree's request is one of access_to().
class Checking {
 public:
  Checking(request_rec* r, const DirConfig& config) : note_(make_note(r)) {
    note_.checked_as = config.database_tree() ? &config : nullptr;
  }
  ~Checking() { note_.checked_as = nullptr; }
  Checking(const Checking&) = delete;
  Checking& operator=(const Checking&) = delete;

 private:
  RequestNote& note_;
};

std::string below(std::string_view folder, std::string_view path) {
  std::string whole(folder);
  if (!whole.ends_with('/')) whole += '/';
  return whole += path;
}

// The file's URL path, decoded; nullopt when only its name on disk is known.
std::optional<std::string> url_path_of(const request_rec* r, const Root& root,
                                       std::string_view asked, std::string_view path) {
  const std::string_view uri = r->uri;
  if (root.kind != Root::Kind::directory) return below(root.prefix, path);
  if (asked.empty() || !uri.ends_with(asked)) return std::nullopt;
  return below(uri.substr(0, uri.size() - asked.size()), path);
}

using Subrequest = std::unique_ptr<request_rec, void (*)(request_rec*)>;

Subrequest look_up(request_rec* r, const Root& root, std::string_view asked,
                   std::string_view path) {
  if (const auto url_path = url_path_of(r, root, asked, path)) {
    std::string url;
    append_url_path(url, *url_path);
    return {ap_sub_req_lookup_uri(url.c_str(), r, nullptr), ap_destroy_sub_req};
  }
  return {ap_sub_req_lookup_file(below(root.prefix, path).c_str(), r, nullptr), ap_destroy_sub_req};
}

// httpd stops at a folder that is not on disk, and takes that for the file.
bool stopped_at_folder(const request_rec* sub) {
  return sub->finfo.filetype == APR_NOFILE && sub->path_info != nullptr && *sub->path_info != '\0';
}

// The file as if it were in the last folder that is on disk: so rules of its name count.
Subrequest look_up_name(const request_rec* stopped, request_rec* r, std::string_view path) {
  const std::string_view missing = stopped->filename;
  std::string file(missing.substr(0, missing.rfind('/') + 1));
  file += path.substr(path.rfind('/') + 1);
  return {ap_sub_req_lookup_file(file.c_str(), r, nullptr), ap_destroy_sub_req};
}

// nullptr: the status has none.
const char* challenge_header(int status) {
  if (status == HTTP_UNAUTHORIZED) return "WWW-Authenticate";
  return status == HTTP_PROXY_AUTHENTICATION_REQUIRED ? "Proxy-Authenticate" : nullptr;
}

// The answer may yet be httpd's own, which has no challenge.
void keep_challenge(request_rec* r, const request_rec* from) {
  const char* header = challenge_header(from->status);
  const char* value = header != nullptr ? apr_table_get(from->err_headers_out, header) : nullptr;
  if (value != nullptr) make_note(r).challenge = apr_pstrdup(r->pool, value);
}

}  // namespace

RequestNote* note_of(const request_rec* r) {
  return static_cast<RequestNote*>(ap_get_module_config(r->request_config, &mirror_module));
}

RequestNote& make_note(request_rec* r) {
  if (RequestNote* note = note_of(r)) return *note;
  auto* note = pool_new<RequestNote>(r->pool);
  ap_set_module_config(r->request_config, &mirror_module, note);
  return *note;
}

bool take_access_check(request_rec* r) {
  const RequestNote* asking = r->main != nullptr ? note_of(r->main) : nullptr;
  if (asking == nullptr || asking->checked_as == nullptr) return false;
  make_note(r).taken = asking->checked_as;
  const char* slash = std::strrchr(r->uri, '/');
  r->filename = apr_pstrcat(r->pool, "mirror:", slash != nullptr ? slash + 1 : r->uri, nullptr);
  return true;
}

int access_to(request_rec* r, const DirConfig& config, std::string_view asked,
              std::string_view path, Check check) {
  if (check == Check::by_need && !has_url_rules()) return OK;
  const Checking checking(r, config);
  const OtherSections sections(r);
  Subrequest sub = look_up(r, config.root(), asked, path);
  if (check != Check::by_need && !ap_is_HTTP_ERROR(sub->status) && !config.database_tree() &&
      stopped_at_folder(sub.get())) {
    if (check == Check::in_known_folder) return HTTP_FORBIDDEN;
    sub = look_up_name(sub.get(), r, path);
  }
  if (!ap_is_HTTP_ERROR(sub->status)) return OK;
  keep_challenge(r, sub.get());
  return sub->status;
}

void send_challenge(request_rec* r, int status) {
  const RequestNote* note = note_of(r);
  const char* header = challenge_header(status);
  if (note != nullptr && note->challenge != nullptr && header != nullptr)
    apr_table_set(r->err_headers_out, header, note->challenge);
}

}  // namespace mirror::httpd
