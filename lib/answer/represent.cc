#include "answer/represent.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <span>

#include "answer/listed.h"
#include "core/encode.h"
#include "core/http_date.h"
#include "render/repository.h"

namespace mirror {
namespace {

using Answer = Outcome::Answer;

Outcome refused(Representation which, DeclineReason reason, std::string_view why) {
  std::string body = fmt::format("There is no {} of this file: {}.\n", info_of(which).name, why);
  Answer answer{404,
                {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", kCacheControl}},
                std::move(body)};
  return {.result = std::move(answer),
          .no_mirror = reason == DeclineReason::no_mirror || reason == DeclineReason::paused,
          .refused = reason,
          .why = why};
}

// Programs that read former versions in a Metalink: dnf and others with librepo, and yum. Others
// would take an old file for the present one, or try each mirror that has one in vain.
bool reads_former_versions(std::string_view user_agent) {
  const auto names = {"librepo", "dnf", "yum/"};
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return user_agent.find(name) != user_agent.npos;
  });
}

// Never for longer than the rule says.
std::vector<FormerVersion> told_versions(const File& file, double limit_s, std::int64_t now_s) {
  std::vector<FormerVersion> told;
  for (const FormerVersion& version : file.former) {
    if (version.is_told(limit_s, now_s)) told.push_back(version);
  }
  return told;
}

std::uint64_t mixed(std::uint64_t state, std::uint64_t word) {
  state = (state ^ word) * 0x9e3779b97f4a7c15;
  return std::rotl(state ^ state >> 32, 27);
}

std::uint64_t mixed_all(std::uint64_t state, std::string_view bytes) {
  state = mixed(state, bytes.size());
  std::uint64_t word = 0;
  for (; bytes.size() >= sizeof word; bytes.remove_prefix(sizeof word)) {
    std::memcpy(&word, bytes.data(), sizeof word);
    state = mixed(state, word);
  }
  word = 0;
  if (!bytes.empty()) std::memcpy(&word, bytes.data(), bytes.size());
  return mixed(state, word);
}

Answer whole(const RepresentationInfo& info, const Request& request, const Subject& subject) {
  std::string body = render(info, subject);
  const std::string tag = body_tag(body);
  Answer answer;
  answer.headers = {{"ETag", tag},
                    {"Last-Modified", http_date(subject.file.mtime_s)},
                    {"Cache-Control", info.lists_mirrors ? kCacheControl : "no-cache"}};
  if (negotiable(subject.settings)) answer.headers.add("Vary", "Accept");
  if (representation_unchanged(request.validators, tag, subject.file.mtime_s)) {
    answer.status = 304;
    return answer;
  }
  answer.status = 200;
  answer.headers.add("Content-Type", info.content_type);
  if (info.attachment) {
    answer.headers.add("Content-Disposition",
                       attachment(fmt::format("{}.{}", subject.name(), info.name)));
  }
  answer.body = std::move(body);
  if (info.rest_bytes != nullptr)
    answer.rest_bytes = info.rest_bytes(subject.hashes, subject.file.size_bytes);
  return answer;
}

}  // namespace

// Clients get the hashes of a repository's marker with its mirrors, so an old one that a mirror
// sends does no harm: it may be an anchor. The same holds for the Metalink of an anchor whose
// former versions are told, which needs the present one's hashes.
std::optional<File> as_listed(Representation which, const Request& request, const File& file,
                              const FileHashes& hashes, const PathRules& rules) {
  if (!file.pending && !file.origin_only) return std::nullopt;
  File listed = file;
  listed.former.clear();
  if (file.pending) listed.mirrors = {};
  const double limit_s = rules.alternates_s(file.path);
  const bool tells = which == Representation::metalink && limit_s > 0 && hashes.has_digest() &&
                     reads_former_versions(request.user_agent);
  if (file.pending || (request.repository == nullptr && !tells)) return listed;
  listed.mirrors = file.whole;
  if (tells) listed.former = told_versions(file, limit_s, request.now_s);
  return listed;
}

Outcome represent(Representation which, const Request& request, const Client& client,
                  const File& file, const FileHashes& hashes, const MirrorTable& mirrors,
                  const Settings& settings) {
  const RepresentationInfo& info = info_of(which);
  RepresentationSettings own = settings.representations;
  own.suppress_filenames |= request.query.only_hash;
  if (request.repository == nullptr && own.off.test(static_cast<std::size_t>(which))) {
    return refused(which, DeclineReason::representation_off, "it is turned off");
  }
  // Of a repository the redirector itself can still tell; what is known of the marker's content
  // may be the older one's.
  if (file.pending && request.repository == nullptr)
    return refused(which, DeclineReason::pending,
                   "the file has been touched and not been hashed again yet");
  static const FileHashes kNoHashes;
  const FileHashes& known = file.pending ? kNoHashes : hashes;
  if (const auto what = info.missing(known, file.size_bytes, own.torrent_form); !what.empty()) {
    return refused(which, DeclineReason::no_hashes, what);
  }
  const std::optional<File> other = as_listed(which, request, file, known, mirrors.rules());
  const Listed list = listed(which, request, client, other ? *other : file, mirrors, settings);
  const Subject subject{
      .file = file,
      .hashes = known,
      .ranked = list.ranked,
      .client = client,
      .https = list.https,
      .tree_url = request.tree_url,
      .settings = own,
      .repository = request.repository,
      .last_resorts = list.last_resorts,
      .http_only = list.http_only,
      .avoided = request.query.avoided,
      .former = other ? std::span(other->former) : std::span<const FormerVersion>(),
      .own_path = own_path(request, file)};
  if (info.needs_mirror && !subject.has_url()) {
    if (file.pending)
      return refused(which, DeclineReason::pending,
                     "its marker file has been touched and not been hashed again yet");
    return mirrors.pause()
               ? refused(which, DeclineReason::paused, "mirrors are not used for now")
               : refused(which, DeclineReason::no_mirror, "no mirror that may serve you has it");
  }
  return {.result = whole(info, request, subject),
          .no_mirror = list.ranked.empty(),
          .given = which,
          .itself = list.itself};
}

std::string body_tag(std::string_view body) {
  return fmt::format("\"r{:016x}\"", mixed(mixed_all(0, body), 0));
}

bool representation_unchanged(const Validators& validators, std::string_view tag,
                              std::int64_t mtime_s) {
  const std::string_view list = validators.if_none_match;
  if (list.empty()) {
    const std::int64_t since_s = parse_http_date(validators.if_modified_since);
    return since_s >= 0 && mtime_s <= since_s;
  }
  const std::string_view opaque = tag.substr(1, tag.size() - 2);
  return any_entity_tag(list, [&](std::string_view known) {
    if (!known.starts_with(opaque)) return false;
    known.remove_prefix(opaque.size());
    return known.empty() || known.front() == '-' || known.front() == ';';
  });
}

}  // namespace mirror
