#include "answer/decide.h"

#include <fmt/format.h>

#include <algorithm>

#include "answer/choose.h"
#include "answer/first_arrival.h"
#include "answer/listed.h"
#include "answer/represent.h"
#include "answer/wishes.h"
#include "core/http_date.h"
#include "core/path.h"
#include "render/repository.h"

namespace mirror {
namespace {

using Answer = Outcome::Answer;

constexpr std::size_t kOtherHeaders = 10;  // of a redirect besides a Link per mirror, at most
constexpr std::size_t kUsualBytes = 1024,
                      kLinkBytes = 80;  // of those, and of a Link without its path, mostly

Answer plain_answer(int status, std::string body) {
  return Answer{status,
                {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", kCacheControl}},
                std::move(body)};
}

// `separator` stands before it: '?' where the URL has no query yet.
void append_stamp(std::string& url, char separator, std::string_view base, std::string_view path,
                  const Request& request, const Settings& settings) {
  if (!settings.stamp) return;
  const std::string_view folder = base.substr(base.find('/', base.find("//") + 2));
  url += separator;
  url += settings.stamp(request.now_s,
                        percent_decode(folder).value_or(std::string(folder)).append(path));
}

// `escaped` is the path as it stands in URLs. The stamp comes last, so that its target knows which
// part of the query is ours.
void add_location(Headers& headers, std::string_view base, std::string_view path,
                  std::string_view escaped, const Request& request, const Settings& settings) {
  std::string& url = headers.open("Location").append(base).append(escaped);
  const bool has_query = settings.pass_query && !request.query.raw.empty();
  if (has_query) append_url_query(url, request.query.raw);
  append_stamp(url, has_query ? '&' : '?', base, path, request, settings);
}

void add_duplicate(Headers& headers, const Candidate& candidate, const Subject& subject,
                   const Request& request, const Settings& settings, int priority) {
  const std::string_view base =
      base_url(*candidate.mirror, request.https, subject.client.address.family);
  std::string& link = headers.open("Link").append("<").append(base).append(subject.url_path);
  append_stamp(link, '?', base, subject.file.path, request, settings);
  link.append(">; rel=duplicate; pri=").append(std::to_string(priority));
  if (!candidate.country.known() || candidate.country.everyone()) return;
  link += "; geo=";
  for (const char c : candidate.country.text()) link += static_cast<char>(c - 'A' + 'a');
}

// What else the file's URL on this server leads to (RFC 6249 §4).
void add_descriptions(Headers& headers, const Subject& subject) {
  if (subject.tree_url.empty()) return;
  const auto end_link = [](std::string& link, std::string_view type) {
    link.append(">; rel=describedby; type=\"").append(type).append("\"");
  };
  const auto add_representation = [&](Representation which) {
    std::string& link = headers.open("Link").append("<");
    subject.append_url(link, which);
    end_link(link, info_of(which).content_type);
  };
  if (subject.has(Representation::meta4)) add_representation(Representation::meta4);
  // A redirect is made without the pieces; the info hash is known with them only.
  const RepresentationSettings& settings = subject.settings;
  const bool hybrid = settings.torrent_form == TorrentForm::hybrid;
  const FileHashes& hashes = subject.hashes;
  const bool has_torrent = hybrid ? hashes.has_btih() : hashes.has_btih_v1();
  if (has_torrent && !settings.off.test(static_cast<std::size_t>(Representation::torrent))) {
    add_representation(Representation::torrent);
  }
  const SignatureKind kind = subject.hashes.signature_kind;
  if (kind != SignatureKind::none) {
    std::string& link = headers.open("Link").append("<");
    subject.append_url(link);
    end_link(link.append(kind == SignatureKind::sig ? ".sig" : ".asc"),
             "application/pgp-signature");
  }
}

void add_digests(Headers& headers, const Request& request, const FileHashes& hashes) {
  if (const auto value = digest_value(hashes, request.want_digest); !value.empty())
    headers.add("Digest", value);
  if (const auto value = repr_digest_value(hashes, request.want_repr_digest); !value.empty())
    headers.add("Repr-Digest", value);
}

std::optional<Representation> negotiated(const Request& request, const Settings& settings) {
  const auto which = negotiated_metalink(request.accept, request.mime_type);
  return which && !settings.representations.off.test(static_cast<std::size_t>(*which))
             ? which
             : std::nullopt;
}

Answer redirect(const Request& request, const Subject& subject, const Settings& settings) {
  const auto& ranked = subject.ranked;
  const Candidate& best = ranked.front();
  Answer answer;
  Headers& headers = answer.headers;
  headers.reserve(ranked.size() + kOtherHeaders,
                  kUsualBytes + ranked.size() * (kLinkBytes + subject.url_path.size()));
  const std::string_view base =
      base_url(*best.mirror, request.https, subject.client.address.family);
  add_location(headers, base, subject.file.path, subject.url_path, request, settings);
  headers.add("Cache-Control", kCacheControl);
  headers.add("X-Mirror", best.mirror->identifier);
  headers.add("X-Mirror-Tier", tier_name(best.tier));
  if (negotiable(settings.representations)) headers.add("Vary", "Accept");
  add_descriptions(headers, subject);
  for (std::size_t i = 1; i < ranked.size(); ++i) {
    add_duplicate(headers, ranked[i], subject, request, settings, static_cast<int>(i));
  }
  add_digests(headers, request, subject.hashes);
  return answer;
}

Answer unchanged(const File& file, const Settings& settings) {
  Answer answer{304,
                {{"ETag", entity_tag(file.size_bytes, file.mtime_s)},
                 {"Last-Modified", http_date(file.mtime_s)},
                 {"Cache-Control", kCacheControl}},
                {}};
  if (negotiable(settings.representations)) answer.headers.add("Vary", "Accept");
  return answer;
}

std::optional<DeclineReason> file_decline(const Request& request, const File& file,
                                          const PathRules& rules, const Settings& settings) {
  if (file.pending) return DeclineReason::pending;
  if (request.local_size_bytes && *request.local_size_bytes != file.size_bytes)
    return DeclineReason::version_differs;
  if (file.size_bytes < settings.min_size_bytes && !rules.is_immutable(file.path))
    return DeclineReason::min_size;
  return std::nullopt;
}

File without_mirrors(File file) {
  file.mirrors = file.holders = file.whole = {};
  file.former.clear();
  return file;
}

// No mirror takes it: the fallback that fits the client, else what declining means for the tree.
Outcome elsewhere(DeclineReason reason, const Request& request, const Client& client,
                  const File& file, const Settings& settings) {
  // Nobody knows which state of a mutable group a fallback has.
  auto answer = file.group ? std::nullopt : fallback_answer(request, client, file.path, settings);
  if (!answer) return {.result = reason};
  Outcome outcome{.result = *std::move(answer)};
  if (reason != DeclineReason::no_mirror) outcome.refused = reason;
  return outcome;
}

// For the clients whom the few mirrors of a new file cannot bear yet.
Outcome not_yet(const Request& request, const Client& client, const File& file,
                const Settings& settings) {
  switch (settings.first_arrival.rest) {
    case FirstArrivalRest::fallback:
      return elsewhere(DeclineReason::first_arrival, request, client, file, settings);
    case FirstArrivalRest::origin:
      return {.result = DeclineReason::first_arrival};
    case FirstArrivalRest::unavailable:
      break;
  }
  Answer answer = plain_answer(
      503, "The file is new, and few mirrors have it yet. Please try again in a minute.\n");
  answer.headers.add("Retry-After", std::to_string(next_draw_s(request.now_s)));
  return {.result = std::move(answer), .refused = DeclineReason::first_arrival};
}

bool any_matches(std::span<const Matcher> matchers, std::string_view text) {
  return std::any_of(matchers.begin(), matchers.end(),
                     [&](const Matcher& matches) { return matches(text); });
}

bool in_any(std::span<const Prefix> networks, const Address& client) {
  const Address located = client.located();
  return std::any_of(networks.begin(), networks.end(), [&](const Prefix& network) {
    return network.contains(client) || network.contains(located);
  });
}

// With the one slash that a folder's path may end in.
bool is_root_or_sound(std::string_view path) {
  if (path.empty()) return true;
  if (path.back() == '/') path.remove_suffix(1);
  return check_path(path) == PathFault::none;
}

}  // namespace

std::string_view decline_text(DeclineReason reason) {
  switch (reason) {
    case DeclineReason::method:
      return "method";
    case DeclineReason::head:
      return "head";
    case DeclineReason::direct:
      return "direct";
    case DeclineReason::directory:
      return "directory";
    case DeclineReason::bad_path:
      return "bad-path";
    case DeclineReason::min_size:
      return "min-size";
    case DeclineReason::mime_type:
      return "mime-type";
    case DeclineReason::user_agent:
      return "user-agent";
    case DeclineReason::network:
      return "network";
    case DeclineReason::file_mask:
      return "file-mask";
    case DeclineReason::not_in_table:
      return "not-in-table";
    case DeclineReason::pending:
      return "pending";
    case DeclineReason::origin_only:
      return "origin-only";
    case DeclineReason::version_differs:
      return "version-differs";
    case DeclineReason::no_mirror:
      return "no-mirror";
    case DeclineReason::paused:
      return "paused";
    case DeclineReason::traffic:
      return "traffic";
    case DeclineReason::first_arrival:
      return "first-arrival";
    case DeclineReason::database_down:
      return "database-down";
    case DeclineReason::catalog_too_old:
      return "catalog-too-old";
    case DeclineReason::no_hashes:
      return "no-hashes";
    case DeclineReason::representation_off:
      return "representation-off";
    case DeclineReason::no_repository:
      return "no-repository";
    case DeclineReason::access:
      return "access";
  }
  return "";
}

bool wants_list(const Request& request) {
  const auto which = wanted(request);
  return which && info_of(*which).lists_mirrors;
}

Answer malformed_answer() {
  return plain_answer(
      400,
      "country= takes two-letter country codes or global, as= an AS number from 1 to "
      "4294967295.\n");
}

std::optional<Answer> query_answer(const Request& request) {
  const bool malformed = request.query.malformed && wanted(request);
  return malformed ? std::optional(malformed_answer()) : std::nullopt;
}

std::optional<Representation> wanted(const Request& request) {
  if (request.repository != nullptr) return request.repository->form;
  return request.query.representation ? request.query.representation : request.suffix;
}

std::optional<Answer> unanswered(const Request& request) {
  if (auto answer = query_answer(request)) return answer;
  const auto which = wanted(request);
  if (!which) return std::nullopt;
  return plain_answer(404, fmt::format("There is no {} of this file.\n", info_of(*which).name));
}

bool negotiable(const RepresentationSettings& settings) {
  return !settings.off.test(static_cast<std::size_t>(Representation::meta4)) ||
         !settings.off.test(static_cast<std::size_t>(Representation::metalink));
}

HashParts needed_hashes(const Request& request) {
  if (const auto which = wanted(request)) return info_of(*which).parts;
  return negotiated_metalink(request.accept, request.mime_type) ? HashParts::pieces
                                                                : HashParts::redirect;
}

std::optional<DeclineReason> screen(const Request& request, const Address& client,
                                    const Settings& settings) {
  if (!is_root_or_sound(request.path)) return DeclineReason::bad_path;
  if (request.method == Method::other) return DeclineReason::method;
  if (request.path.empty() || request.path.back() == '/') return DeclineReason::directory;
  // The exclusions lead to the file's own bytes, which are no answer to a wish for something else.
  if (unanswered(request)) return std::nullopt;
  if (request.query.direct) return DeclineReason::direct;
  if (request.method == Method::head && settings.handle_head_locally) return DeclineReason::head;
  if (in_any(settings.excluded_networks, client)) return DeclineReason::network;
  if (any_matches(settings.excluded_user_agents, request.user_agent))
    return DeclineReason::user_agent;
  if (any_matches(settings.excluded_paths, request.path)) return DeclineReason::file_mask;
  if (any_matches(settings.excluded_mime_types, request.mime_type)) return DeclineReason::mime_type;
  if (request.local_size_bytes && *request.local_size_bytes < settings.min_size_bytes)
    return DeclineReason::min_size;
  return std::nullopt;
}

Outcome decide(const Request& request, const Client& client, const File& found,
               const MirrorTable& mirrors, const Settings& settings, const FileHashes& hashes) {
  std::optional<File> paused;
  if (mirrors.pause()) paused = without_mirrors(found);
  const File& file = paused ? *paused : found;
  if (auto answer = query_answer(request)) return {.result = *std::move(answer)};
  const bool overrides = request.query.moves_client();
  const Client changed = overrides ? overridden(client, request.query) : Client();
  const Client& seen = overrides ? changed : client;
  if (const auto which = wanted(request))
    return represent(*which, request, seen, file, hashes, mirrors, settings);
  if (const auto reason = file_decline(request, file, mirrors.rules(), settings))
    return {.result = *reason};
  if (const auto which = negotiated(request, settings)) {
    Outcome outcome = represent(*which, request, seen, file, hashes, mirrors, settings);
    if (!outcome.refused && !outcome.no_mirror) return outcome;
  }
  if (not_modified(request.validators, file.size_bytes, file.mtime_s))
    return {.result = unchanged(file, settings)};

  if (file.origin_only) return {.result = DeclineReason::origin_only};
  const std::size_t how_many = 1 + static_cast<std::size_t>(std::max(settings.max_links, 0));
  const Mirror* itself = nullptr;
  bool at_cap = false;
  const std::vector<Candidate> ranked =
      chosen(how_many, request, seen, file, mirrors, settings, itself, at_cap);
  if (ranked.empty()) {
    const DeclineReason reason = paused   ? DeclineReason::paused
                                 : at_cap ? DeclineReason::traffic
                                          : DeclineReason::no_mirror;
    Outcome outcome = elsewhere(reason, request, client, file, settings);
    outcome.no_mirror = true;
    outcome.itself = itself;
    return outcome;
  }
  const bool is_served_first = ranked.front().tier == Tier::prefix;
  if (!is_served_first &&
      !is_among(mirrored_share(file, mirrors, settings.first_arrival, request.now_s),
                client.address, request.now_s))
    return not_yet(request, client, file, settings);
  const Candidate& best = ranked.front();
  const Subject subject{.file = file,
                        .hashes = hashes,
                        .ranked = ranked,
                        .client = seen,
                        .https = request.https,
                        .tree_url = request.tree_url,
                        .settings = settings.representations,
                        .own_path = own_path(request, file)};
  return {.result = redirect(request, subject, settings),
          .mirror = best.mirror,
          .tier = best.tier,
          .itself = itself};
}

std::optional<Answer> fallback_answer(const Request& request, const Client& client,
                                      std::string_view path, const Settings& settings) {
  if (auto answer = unanswered(request)) return answer;
  const Client seen = overridden(client, request.query);
  const auto fitting = fitting_fallbacks(seen, request.https, settings);
  if (fitting.empty()) return std::nullopt;
  Answer answer;
  add_location(answer.headers, fitting.front()->url, path, url_path(path), request, settings);
  answer.headers.add("Cache-Control", kCacheControl);
  return answer;
}

}  // namespace mirror
