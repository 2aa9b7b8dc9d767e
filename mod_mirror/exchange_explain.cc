// An exchange that tells what it would do instead of doing it (explain.h).
#include <fmt/core.h>

#include <functional>
#include <set>

#include "answer/listed.h"
#include "answer/represent.h"
#include "catalog/error.h"
#include "child.h"
#include "core/path.h"
#include "core/readable.h"
#include "exchange.h"

namespace mirror::httpd {
namespace {

std::optional<DeclineReason> reason_of(const Outcome& outcome) {
  const auto* declined = std::get_if<DeclineReason>(&outcome.result);
  return declined != nullptr ? std::optional(*declined) : outcome.refused;
}

std::string header_of(const Outcome::Answer& answer, std::string_view wanted) {
  for (const auto& [name, value] : answer.headers) {
    if (name == wanted) return std::string(value);
  }
  return "";
}

std::string first_line(std::string_view body) {
  return std::string(body.substr(0, std::min(body.find('\n'), body.size())));
}

// "the file's meta4", "the list of the repository's mirrors".
std::string name_of(Representation given, bool of_repository) {
  const char* owner = of_repository ? "repository" : "file";
  const bool is_list = given == Representation::text || given == Representation::json;
  return is_list ? fmt::format("the list of the {}'s mirrors", owner)
                 : fmt::format("the {}'s {}", owner, info_of(given).name);
}

void tell_answer(const Outcome::Answer& answer, const Outcome& outcome, bool of_repository,
                 ExplainedAnswer& told) {
  told.status = answer.status;
  told.url = header_of(answer, "Location");
  if (!told.url.empty()) {
    const bool to_origin = std::holds_alternative<DeclineReason>(outcome.result);
    told.text =
        fmt::format("{} ({}{})", told.url, answer.status, to_origin ? ", MirrorOrigin" : "");
  } else if (outcome.given) {
    told.text = fmt::format(
        "{}, {} bytes ({})", name_of(*outcome.given, of_repository),
        grouped(static_cast<std::int64_t>(answer.body.size()) + answer.rest_bytes), answer.status);
  } else {
    told.text = fmt::format("no mirror: {}{}{}", answer.status, answer.body.empty() ? "" : ", ",
                            first_line(answer.body));
  }
}

// The file's present version or a former one.
std::vector<MirrorId> all_that_have(const File& file) {
  const std::vector<MirrorId> present = file.mirrors.ids();
  std::set<MirrorId> all(present.begin(), present.end());
  for (const FormerVersion& version : file.former)
    all.insert(version.mirrors.begin(), version.mirrors.end());
  return {all.begin(), all.end()};
}

void leave_out(Explanation& told, const char* reason,
               const std::function<bool(const Mirror&)>& unwanted) {
  std::erase_if(told.ranking.accepted, [&](const Candidate& candidate) {
    const Mirror& mirror = *candidate.mirror;
    if (!unwanted(mirror)) return false;
    told.left_out.push_back({mirror.id, mirror.identifier, reason});
    return true;
  });
}

// From which state of the catalog, or else which database.
std::string known_from(const Lookup& lookup, const DirConfig& config,
                       const std::optional<std::int64_t>& age_s) {
  if (!lookup.snapshot) {
    return config.database ? "the database " + globals().databases[config.database->index].name
                           : "";
  }
  const std::string& directory = globals().catalogs[*config.catalog_index()].directory;
  return fmt::format("the catalog {}, revision {}, {} s old", directory,
                     (*lookup.snapshot)->meta().rev, grouped(age_s.value_or(0)));
}

// The database is asked for no times: requests need none.
void add_grace(Lookup& lookup, ExplainedFile& file) {
  file.gone = lookup.gone;
  if (!lookup.gone || !lookup.snapshot) return;
  catalog::Reader& reader = **lookup.snapshot;
  try {
    const auto stored = reader.stored_file(file.path);
    if (!stored || !stored->gone_s) return;
    file.gone_s = stored->gone_s;
    file.grace_ends_s = *stored->gone_s + static_cast<std::int64_t>(reader.meta().grace_s);
  } catch (const catalog::Error&) {  // its next reader tells
  }
}

}  // namespace

bool Exchange::is_refused(const Outcome& outcome) {
  return reason_of(outcome) == DeclineReason::access;
}

// As the redirect would have them, or the list that `which` is.
void Exchange::explain_mirrors(std::optional<Representation> which, Explanation& told) const {
  const File& file = lookup_->file;
  const Client client = overridden(client_, request_.query);
  told.mirrors = lookup_->mirrors;
  std::optional<Listed> list;
  std::vector<MirrorId> having = file.mirrors.ids();
  if (which && info_of(*which).lists_mirrors) {
    const auto other = as_listed(*which, request_, file, lookup_->hashes, told.mirrors->rules());
    list = listed(*which, request_, client, other ? *other : file, *told.mirrors, settings_);
    if (other) having = all_that_have(*other);
  }
  Request request = request_;
  request.https = told.https = list ? list->https : request_.https;
  const RankRequest rank_request{told.https, file.size_bytes, request_.now_s,
                                 told.mirrors->is_for_stale(file.path), request_.query.avoided};
  told.ranking = rank(client, rank_request, having, *told.mirrors, settings_.rank);
  leave_out(told, "its URL is this server's own",
            [&](const Mirror& mirror) { return is_this_server(mirror, request, client); });
  if (!list && request_.is_full) {
    leave_out(told, "has as much traffic as its max_mbit allows", [&](const Mirror& mirror) {
      return mirror.max_mbit != 0 && request_.is_full(mirror);
    });
  }
  if (list) {
    rank_as_listed(told, *list, settings_.representations.max_mirrors,
                   request_.repository != nullptr);
  }
  for (LeftOut& mirror : without_file(*told.mirrors, having, [&](const Mirror& lacking) {
         const std::string held_back = held_back_because(file, lacking.id);
         return held_back.empty() ? "does not have this version of the file" : held_back;
       })) {
    told.left_out.push_back(std::move(mirror));
  }
}

// While what is looked up is held.
std::unique_ptr<Explanation> Exchange::explained_lookup(std::optional<Representation> which) const {
  auto told = std::make_unique<Explanation>();
  told->https = request_.https;
  told->known_from = known_from(*lookup_, config_, catalog_age_s_);
  if (lookup_->found != Found::file) return told;
  const File& file = lookup_->file;
  told->file.emplace();
  told->file->path = file.path;
  told->file->size_bytes = file.size_bytes;
  told->file->mtime_s = file.mtime_s;
  told->file->pending = file.pending;
  add_grace(*lookup_, *told->file);
  explain_mirrors(which, *told);
  return told;
}

// For what was decided without a lookup, or by a part of one: what the mirrors would be. What the
// client may not fetch, or nobody knows whether he may, is not told of.
void Exchange::look_for_explanation(const Outcome& outcome) {
  explanation_ = std::make_unique<Explanation>();
  explanation_->https = request_.https;
  locate();
  prepare_choice();
  const auto reason = reason_of(outcome);
  const bool failed =
      reason == DeclineReason::database_down || reason == DeclineReason::catalog_too_old;
  if (!lookup_ && !failed && check_path(request_.path) == PathFault::none) find();
  if (!lookup_) return;
  auto told = explained_lookup(wanted(request_));
  const std::string path(lookup_->found == Found::file ? lookup_->file.path : request_.path);
  lookup_->snapshot.reset();
  const auto may_tell = [&](std::string_view of) {
    return access_to(r_, config_, asked_, of, Check::in_known_folder) == OK;
  };
  if (may_tell(request_.path) && (path == request_.path || may_tell(path)))
    explanation_ = std::move(told);
}

ExplainedAnswer Exchange::explained_answer(const Outcome& outcome) const {
  ExplainedAnswer told;
  if (const auto reason = reason_of(outcome)) {
    told.declined = decline_text(*reason);
    told.because = *reason == DeclineReason::file_mask && has_masked_url()
                       ? "MirrorBrainExcludeFileMask excludes its URL"
                   : outcome.why.empty()
                       ? declined_because(*reason, request_, asking_address(), settings_)
                       : std::string(outcome.why);
  } else if (outcome.no_mirror && !outcome.given) {
    told.because = "no mirror that has the file may serve this client: MirrorFallback";
  }
  const auto* answer = std::get_if<Outcome::Answer>(&outcome.result);
  const Instead instead =
      answer == nullptr ? instead_of(std::get<DeclineReason>(outcome.result)) : Instead(OK);
  if (answer == nullptr) answer = std::get_if<Outcome::Answer>(&instead);
  if (answer != nullptr) {
    tell_answer(*answer, outcome, request_.repository != nullptr, told);
  } else if (config_.database_tree()) {
    told.status = std::get<int>(instead);
    told.text = fmt::format("no mirror: {}, there is no such file", *told.status);
  } else {
    told.text = local_ != nullptr ? "no mirror: httpd sends the file itself"
                                  : "no mirror: httpd has no such file on its disk and answers 404";
  }
  if (config_.is_shadow())
    told.because += std::string(told.because.empty() ? "" : "; ") +
                    "but MirrorEngine is Shadow: this is only logged, and httpd answers itself";
  return told;
}

int Exchange::explain(const Outcome& outcome) {
  if (!explanation_) look_for_explanation(outcome);
  explanation_->client = overridden(client_, request_.query);
  explanation_->at_s = request_.now_s;
  explanation_->answer = explained_answer(outcome);
  return write_explanation(r_, *explain_, *explanation_);
}

}  // namespace mirror::httpd
