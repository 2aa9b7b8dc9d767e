#include "answer/represent.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "answer/repositories.h"
#include "core/encode.h"
#include "core/http_date.h"

namespace mirror {
namespace {

using Answer = Outcome::Answer;

Outcome refused(Representation which, DeclineReason reason, std::string_view why) {
  std::string body = fmt::format("There is no {} of this file: {}.\n", info_of(which).name, why);
  Answer answer{404,
                {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", kCacheControl}},
                std::move(body)};
  return {.result = std::move(answer),
          .no_mirror = reason == DeclineReason::no_mirror,
          .refused = reason,
          .why = why};
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

Outcome represent(Representation which, const Request& request, const Client& client,
                  const File& file, const FileHashes& hashes, const MirrorTable& mirrors,
                  const Settings& settings) {
  const RepresentationInfo& info = info_of(which);
  RepresentationSettings own = settings.representations;
  own.suppress_filenames |= parse_query(request.query).only_hash;
  if (request.repository == nullptr && own.off.test(static_cast<std::size_t>(which))) {
    return refused(which, DeclineReason::representation_off, "it is turned off");
  }
  if (file.pending)
    return refused(which, DeclineReason::pending,
                   "the file has been touched and not been hashed again yet");
  if (const auto what = info.missing(hashes, file.size_bytes, own.torrent_form); !what.empty()) {
    return refused(which, DeclineReason::no_hashes, what);
  }
  const RankRequest rank_request{request.https, file.size_bytes, request.now_s};
  std::vector<Candidate> ranked =
      own.max_mirrors > 0 && request.repository == nullptr
          ? rank_first(static_cast<std::size_t>(own.max_mirrors), client, rank_request,
                       file.mirrors, mirrors, settings.rank)
          : rank(client, rank_request, file.mirrors, mirrors, settings.rank).accepted;
  if (request.repository != nullptr) leave_out_far(ranked, client, own.repository_near);
  if (info.needs_mirror && ranked.empty()) {
    return refused(which, DeclineReason::no_mirror, "no mirror that may serve you has it");
  }
  const Subject subject{file,          hashes,           ranked, client,
                        request.https, request.tree_url, own,    request.repository};
  return {.result = whole(info, request, subject), .no_mirror = ranked.empty(), .given = which};
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
