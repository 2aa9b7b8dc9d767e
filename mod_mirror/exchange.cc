#include "exchange.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "access.h"
#include "answer/wishes.h"
#include "child.h"
#include "core/path.h"
#include "mirrorbrain.h"

namespace mirror::httpd {
namespace {

// A mirror that would send clients back here, said at most once a minute in each process.
void warn_of_itself(const request_rec* r, const Mirror& mirror) {
  constexpr std::int64_t kPauseS = 60;
  static std::atomic<std::int64_t> last_s{-kPauseS};
  const std::int64_t now_s = apr_time_sec(r->request_time);
  std::int64_t before_s = last_s.load(std::memory_order_relaxed);
  if (now_s - before_s < kPauseS || !last_s.compare_exchange_strong(before_s, now_s)) return;
  log_line(r->server, APLOG_WARNING, LogId(106),
           "mirror '" + printable(mirror.identifier) +
               "' has this server's own URL and is left out: it would send clients in circles. "
               "Correct its URL with 'mb edit', or disable it");
}

}  // namespace

Exchange::Exchange(request_rec* r, const DirConfig& config, std::string_view path,
                   request_rec* local)
    : r_(r),
      config_(config),
      settings_(settings_of(config)),
      asked_(path),
      request_(make_request(r, path)),
      explain_(explain_wish(r, config)),
      local_(local) {
  if (config_.database_tree()) request_.origin = *config_.origin;
  if (local_ != nullptr) {
    request_.serves_file = true;
    request_.local_size_bytes = local_->finfo.size;
    size_bytes_ = local_->finfo.size;
    if (local_ != r) take_suffix();
  }
  name_tree(local_ != nullptr ? local_ : r, request_.path);
}

// What this server's URLs of the tree are, by the URL of one of its files.
void Exchange::name_tree(request_rec* named, std::string_view path) {
  tree_ = tree_url(named, path);
  request_.tree_url = tree_.url;
  request_.tree_folder = tree_.folder;
}

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

// Explanations are for whoever the one who asks names.
Address Exchange::asking_address() const {
  return explain_ && explain_->client ? *explain_->client : client_address(r_);
}

// A list may be asked for on behalf of another address.
void Exchange::locate() {
  client_.address = asking_address();
  if (request_.query.address && wants_list(request_)) client_.address = *request_.query.address;
  if (const Child* self = child()) client_ = self->geo->locate(client_.address);
}

std::unique_ptr<Lookup> Exchange::find_with(HashParts parts) {
  const Child* self = child();
  if (self == nullptr) return nullptr;
  if (CatalogKeeper* keeper = self->catalog_of(config_)) {
    const std::int64_t age_s = std::max<std::int64_t>(0, request_.now_s - keeper->as_of_s());
    auto lookup = keeper->find(request_.path, request_.now_s, parts);
    if (lookup) {
      catalog_age_s_ = age_s;
      const std::int64_t max_age_s = config_.catalog_max_age_s.value_or(0);
      if (max_age_s == 0 || age_s <= max_age_s) return lookup;
      missing_ = DeclineReason::catalog_too_old;
      return nullptr;
    }
  }
  if (!config_.database) return nullptr;
  return self->databases.at(config_.database->index)->find(request_.path, parts);
}

// What Accept asks for and cannot be had becomes a redirect, for which the catalog may do.
void Exchange::find() {
  lookup_.reset();  // before another state of the catalog is held
  const HashParts parts = needed_hashes(request_);
  lookup_ = find_with(parts);
  if (lookup_ || wanted(request_) || parts == HashParts::redirect) return;
  request_.accept = {};
  lookup_ = find_with(HashParts::redirect);
}

bool Exchange::has_masked_url() const {
  const std::vector<Matcher>* masks = config_.excluded_urls;
  return masks != nullptr && std::any_of(masks->begin(), masks->end(),
                                         [&](const Matcher& matches) { return matches(r_->uri); });
}

// With MirrorBrain's masks, which are about URLs.
std::optional<DeclineReason> Exchange::screened_as_mirrorbrain() const {
  const auto reason = screen(request_, asking_address(), settings_);
  const bool may_be_masked = !reason || *reason == DeclineReason::min_size;
  return may_be_masked && !unanswered(request_) && has_masked_url() ? DeclineReason::file_mask
                                                                    : reason;
}

// Which files are immutable, and so may be small, the mirrors' last state tells before a lookup.
std::optional<DeclineReason> Exchange::screened() const {
  const auto reason = screened_as_mirrorbrain();
  const Child* self = reason == DeclineReason::min_size ? child() : nullptr;
  const auto mirrors = self != nullptr ? self->mirrors_of(config_) : nullptr;
  return mirrors != nullptr && mirrors->rules().is_immutable(request_.path) ? std::nullopt : reason;
}

Outcome Exchange::for_file() {
  const auto reason = screened();
  if (reason && (*reason == DeclineReason::method || *reason == DeclineReason::directory ||
                 *reason == DeclineReason::bad_path)) {
    return {.result = *reason};
  }
  locate();
  if (auto answer = query_answer(request_)) return {.result = *std::move(answer)};
  const bool may_be_representation = config_.database_tree() && may_have_suffix();
  if (reason && !may_be_representation) return {.result = *reason};
  find();
  if (lookup_ && lookup_->found == Found::absent && may_be_representation && take_suffix()) {
    lookup_.reset();  // before rules are asked
    if (const int status = right_to(request_.path); status != OK) return forbidden(status);
    if (request_.query.address) locate();
    find();
    return lookup_ ? for_lookup() : without_lookup();
  }
  // Exclusions keep files from being redirected, not their representations.
  if (reason) return {.result = *reason};
  return lookup_ ? for_lookup() : without_lookup();
}

// Why httpd's own answer stands for what it has no file for; nullopt: it does not.
std::optional<DeclineReason> Exchange::not_in_grace() {
  if (const auto reason = screened_as_mirrorbrain()) return reason;
  find();
  if (lookup_ && lookup_->found == Found::absent && take_suffix()) {
    lookup_.reset();
    if (right_to(request_.path) != OK) return DeclineReason::access;
    find();
  }
  if (!lookup_) return missing_;
  if (lookup_->found != Found::file) return DeclineReason::not_in_table;
  return lookup_->gone ? std::nullopt : std::optional(DeclineReason::version_differs);
}

int Exchange::run_gone() {
  if (const auto reason = not_in_grace()) {
    const Outcome outcome{.result = *reason};
    return explain_ && !is_refused(outcome) ? explain(outcome) : DECLINED;
  }
  locate();
  return finish(for_lookup());
}

Outcome Exchange::for_list(const Repository& repository) {
  request_.repository = &repository;
  request_.serves_file = !config_.database_tree();
  const auto named = tree_path(r_, config_.root());
  if (named) {
    name_tree(r_, *named);
  } else {
    request_.tree_url = request_.tree_folder = "";
  }
  locate();
  if (const int status = right_to(request_.path); status != OK) return forbidden(status);
  find();
  if (!lookup_) return without_lookup();
  if (lookup_->found != Found::file) return no_repository(DeclineReason::not_in_table);
  return decided();
}

Outcome Exchange::for_lookup() {
  const auto declined = [](DeclineReason reason) { return Outcome{.result = reason}; };
  if (lookup_->found == Found::directory) return declined(DeclineReason::directory);
  if (lookup_->found == Found::absent) return declined(DeclineReason::not_in_table);
  if (!is_local_version(lookup_->file)) return declined(DeclineReason::version_differs);
  size_bytes_ = lookup_->file.size_bytes;
  return decided();
}

Outcome Exchange::decided() {
  prepare_choice();
  Outcome outcome =
      decide(request_, client_, lookup_->file, *lookup_->mirrors, settings_, lookup_->hashes);
  rest_ = rest_of(outcome);
  if (explain_) explanation_ = explained_lookup(outcome.given ? outcome.given : wanted(request_));
  const bool is_link = lookup_->file.path != request_.path;
  const bool is_unseen_file =
      !config_.database_tree() && local_ == nullptr && request_.repository == nullptr;
  lookup_->snapshot.reset();
  int status = is_unseen_file ? right_to(request_.path) : OK;
  if (status == OK && is_link) status = right_to(lookup_->file.path);
  return status == OK ? std::move(outcome) : forbidden(status);
}

// Reads zsync's sums from where the file was found, anew for each piece: no state and no connection
// is held while a client takes its time. A file that changes meanwhile ends the answer.
RestReader Exchange::rest_of(const Outcome& outcome) const {
  const auto* made = std::get_if<Outcome::Answer>(&outcome.result);
  if (made == nullptr || made->rest_bytes == 0) return {};
  CatalogKeeper* keeper = lookup_->snapshot ? child()->catalog_of(config_) : nullptr;
  Database* database =
      keeper == nullptr ? child()->databases.at(config_.database->index).get() : nullptr;
  return [keeper, database, path = lookup_->file.path, sha1 = lookup_->hashes.sha1](
             std::int64_t offset, std::int64_t count) {
    return keeper != nullptr ? keeper->zsync_part(path, sha1, offset, count)
                             : database->zsync_part(path, sha1, offset, count);
  };
}

// The path of a file that this request's URL itself has not been checked for. No state of the
// catalog may be held: a rule may ask a slow server for a password's owner.
int Exchange::right_to(std::string_view path) {
  return access_to(r_, config_, asked_, path, needed_check());
}

// Of what is not on disk, httpd has not judged the file yet, as it does when it finds one.
Check Exchange::needed_check() const {
  const bool is_unseen = !config_.database_tree() && local_ == nullptr;
  return is_unseen || explain_ ? Check::always : Check::by_need;
}

// A link of a local tree: httpd sends the file by its own rules, which is no answer to a wish for
// something else.
Outcome Exchange::forbidden(int status) const {
  if (!config_.database_tree() && !unanswered(request_)) return {.result = DeclineReason::access};
  return {.result = Outcome::Answer{status, {}, {}}, .refused = DeclineReason::access};
}

bool Exchange::is_local_version(const File& file) const {
  if (local_ == nullptr) return true;
  return local_->finfo.size == file.size_bytes && apr_time_sec(local_->finfo.mtime) == file.mtime_s;
}

// A wish for something else than the file's bytes is never answered by them.
Outcome Exchange::without_lookup() {
  const bool for_bytes = !wanted(request_);
  if (for_bytes && config_.down_policy() == DownPolicy::serve) return {.result = missing_};
  auto fallback = for_bytes && config_.down_policy() == DownPolicy::fallback
                      ? fallback_answer(request_, client_, request_.path, settings_)
                      : std::nullopt;
  return {.result = fallback ? *std::move(fallback) : unavailable(), .refused = missing_};
}

void Exchange::write_notes(const Outcome& outcome) {
  if (size_bytes_) note(r_, "MB_FILESIZE", std::to_string(*size_bytes_));
  if (catalog_age_s_) note(r_, "MB_CATALOG_AGE", std::to_string(*catalog_age_s_));
  note_client(r_, overridden(client_, request_.query));
  if (outcome.mirror != nullptr) note(r_, "MB_MIRROR", outcome.mirror->identifier);
  if (outcome.no_mirror) note(r_, "MB_NOMIRROR", "1");
  if (outcome.mirror != nullptr && request_.turn > 0)
    note(r_, "MB_TURN", std::to_string(request_.turn));
  if (outcome.tier) note(r_, "MB_REALM", tier_name(*outcome.tier));
  if (outcome.given) note(r_, "MB_REPRESENTATION", info_of(*outcome.given).name);
  const auto* declined = std::get_if<DeclineReason>(&outcome.result);
  if (declined != nullptr || outcome.refused)
    note(r_, "MB_DECLINED", decline_text(declined != nullptr ? *declined : *outcome.refused));
  write_compat_notes(outcome);
}

// As MirrorBrain names things, for programs that read its logs.
void Exchange::write_compat_notes(const Outcome& outcome) {
  if (!config_.mirrorbrain.value_or(false)) return;
  const auto which = wanted(request_);
  note(r_, "WANT", which ? info_of(*which).name : "redirect");
  const bool is_answer = std::holds_alternative<Outcome::Answer>(outcome.result);
  if (outcome.given || outcome.mirror != nullptr || !is_answer)
    note(r_, "GIVE",
         outcome.given ? info_of(*outcome.given).name : (is_answer ? "redirect" : "file"));
  if (outcome.mirror == nullptr || !outcome.tier) return;
  note(r_, "MB_REALM",
       mirrorbrain_realm(*outcome.tier, *outcome.mirror, overridden(client_, request_.query)));
  if (config_.is_shadow()) return;
  note(r_, "MB_REDIRECTED", "1");
  note(r_, "MIRRORBRAIN_REDIRECTED", "1");
}

void Exchange::add_compat_headers(const Outcome& outcome, Headers& headers) const {
  if (!config_.mirrorbrain.value_or(false) || outcome.mirror == nullptr || !outcome.tier) return;
  headers.add("X-MirrorBrain-Mirror", outcome.mirror->identifier);
  headers.add("X-MirrorBrain-Realm", mirrorbrain_realm(*outcome.tier, *outcome.mirror,
                                                       overridden(client_, request_.query)));
}

// What the answer would be: its status, or "httpd" for httpd's own, and where it would redirect to.
void Exchange::note_shadow(const Outcome& outcome) {
  const auto* reason = std::get_if<DeclineReason>(&outcome.result);
  const Instead instead = reason != nullptr ? instead_of(*reason) : Instead(DECLINED);
  const auto* answer = reason != nullptr ? std::get_if<Outcome::Answer>(&instead)
                                         : std::get_if<Outcome::Answer>(&outcome.result);
  const int status = answer != nullptr ? answer->status : std::get<int>(instead);
  note(r_, "MB_SHADOW", status == DECLINED ? "httpd" : std::to_string(status));
  if (answer == nullptr) return;
  for (const auto& [name, value] : answer->headers) {
    if (name == "Location") note(r_, "MB_SHADOW_URL", value);
  }
}

// What is looked up is let go before anything is sent: a slow client must not hold a state of the
// catalog.
int Exchange::finish(Outcome outcome) {
  if (explain_ && !is_refused(outcome)) return explain(outcome);
  if (lookup_) lookup_->snapshot.reset();
  write_notes(outcome);
  count_demand(outcome);
  if (outcome.itself != nullptr) warn_of_itself(r_, *outcome.itself);
  if (config_.is_shadow() && !explain_) {
    note_shadow(outcome);
    return DECLINED;
  }
  count_redirect(outcome);
  if (!outcome.why.empty()) {
    if (APLOG_R_IS_LEVEL(r_, APLOG_INFO))
      log_line(r_, APLOG_INFO, LogId(105), "no representation: " + std::string(outcome.why));
  }
  if (const auto* reason = std::get_if<DeclineReason>(&outcome.result)) return decline(*reason);
  auto& answer = std::get<Outcome::Answer>(outcome.result);
  add_compat_headers(outcome, answer.headers);
  if (outcome.refused == DeclineReason::access) send_challenge(r_, answer.status);
  return write_answer(r_, std::move(answer), std::move(rest_));
}

// Local trees: httpd serves the file. Database trees: the origin does, and what is no file is a
// 404.
Exchange::Instead Exchange::instead_of(DeclineReason reason) const {
  if (!config_.database_tree()) {
    // httpd sends the file, for POST too, which is no answer to a wish for something else.
    auto answer = unanswered(request_);
    return answer ? Instead(*std::move(answer)) : Instead(DECLINED);
  }
  if (reason == DeclineReason::not_in_table || reason == DeclineReason::bad_path)
    return HTTP_NOT_FOUND;
  return origin_answer(r_, *config_.origin, request_.path);
}

int Exchange::decline(DeclineReason reason) {
  Instead instead = instead_of(reason);
  if (auto* answer = std::get_if<Outcome::Answer>(&instead))
    return write_answer(r_, std::move(*answer));
  return std::get<int>(instead);
}

}  // namespace mirror::httpd
