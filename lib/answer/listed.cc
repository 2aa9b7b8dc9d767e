#include "answer/listed.h"

#include <algorithm>
#include <set>

#include "core/path.h"
#include "core/url.h"
#include "render/repository.h"

namespace mirror {
namespace {

RankRequest rank_request(const Request& request, const File& file, const MirrorTable& mirrors) {
  return {request.https, file.size_bytes, request.now_s, mirrors.is_for_stale(file.path),
          request.query.avoided};
}

// rank() less this server. `how_many` 0: all.
std::vector<Candidate> all_candidates(std::size_t how_many, const Request& request,
                                      const Client& client, const File& file,
                                      const MirrorTable& mirrors, const Settings& settings) {
  auto ranked =
      rank(client, rank_request(request, file, mirrors), file.mirrors, mirrors, settings.rank)
          .accepted;
  std::erase_if(ranked, [&](const auto& c) { return is_this_server(*c.mirror, request, client); });
  if (how_many > 0 && ranked.size() > how_many) ranked.resize(how_many);
  return ranked;
}

// How well a fallback fits: 3 its country, 2 its region, 1 everyone, 0 not at all.
int fallback_fit(const Fallback& fallback, const Client& client, bool https) {
  if (!is_url(fallback.url, https ? UrlKind::https_base : UrlKind::web_base)) return 0;
  if (!fallback.country.empty())
    return CountryCode::parse(fallback.country) == client.country ? 3 : 0;
  if (fallback.region.empty()) return 1;
  return client.region != Region::unknown && parse_region(fallback.region) == client.region ? 2 : 0;
}

bool has_mirror(const std::vector<Candidate>& ranked, const Mirror* mirror) {
  return std::any_of(ranked.begin(), ranked.end(),
                     [&](const Candidate& candidate) { return candidate.mirror == mirror; });
}

// For country=xx,yy: each country's own mirrors in the order of the countries, then the others as
// the first country ranks them.
std::vector<Candidate> ranked_for_all(const Request& request, const Client& client,
                                      const File& file, const MirrorTable& mirrors,
                                      const Settings& settings) {
  auto first = all_candidates(0, request, client, file, mirrors, settings);
  if (request.query.further_countries.empty()) return first;
  std::vector<Candidate> merged;
  const auto add = [&](const std::vector<Candidate>& ranked, bool far) {
    for (const Candidate& candidate : ranked) {
      const bool wanted = far || candidate.tier != Tier::far;
      if (wanted && !has_mirror(merged, candidate.mirror)) merged.push_back(candidate);
    }
  };
  add(first, false);
  for (const CountryCode country : request.query.further_countries) {
    Client other = client;
    other.country = country;
    other.region = region_of(country);
    add(all_candidates(0, request, other, file, mirrors, settings), false);
  }
  add(first, true);
  return merged;
}

// Mirrors that have a former state of the file's group, less those that are named anyway: those of
// the newest version first.
std::vector<Candidate> with_former_versions(const Request& request, const Client& client,
                                            const File& file, const MirrorTable& mirrors,
                                            const Settings& settings) {
  std::vector<Candidate> all;
  const std::vector<MirrorId> present = file.mirrors.ids();
  std::set<MirrorId> named(present.begin(), present.end());
  for (const FormerVersion& version : file.former) {
    std::vector<MirrorId> ids;
    for (const MirrorId id : version.mirrors) {
      if (named.insert(id).second) ids.push_back(id);
    }
    if (ids.empty()) continue;
    std::sort(ids.begin(), ids.end());
    File behind = file;
    behind.mirrors = ids;
    const auto ranked = ranked_for_all(request, client, behind, mirrors, settings);
    all.insert(all.end(), ranked.begin(), ranked.end());
  }
  return all;
}

void leave_out_unwanted(std::vector<Candidate>& ranked, const Request& request,
                        const Client& client, bool http_only, const Settings& settings) {
  if (http_only) {
    std::erase_if(ranked,
                  [&](const auto& c) { return !answers(*c.mirror, false, client.address.family); });
  }
  if (request.repository != nullptr)
    leave_out_far(ranked, client, settings.representations.repository_near);
}

// What is appended to a base URL: the file's path, or in a plain list of a repository the
// directory's.
std::string_view tail_of(Representation which, const Request& request, std::string_view path) {
  const bool directory = request.repository != nullptr && which == Representation::text;
  return directory ? request.repository->real_directory(path) : path;
}

// For local trees. The URL of a directory, or of a marker from which clients make one, cannot have
// the word: files below it are redirected if a mirror has them. Torrent clients refuse a web seed
// with a query in a local network; they get a web seed only if no mirror has the file.
std::string this_server_url(Representation which, const Request& request, const File& file) {
  std::string url(request.tree_url);
  append_url_path(url, tail_of(which, request, own_path(request, file)));
  const bool is_web_seed = which == Representation::torrent || which == Representation::magnet;
  if (request.repository == nullptr && !is_web_seed) url.append("?").append(kDirectWord);
  return url;
}

std::vector<std::string> last_resorts(Representation which, const Request& request,
                                      const Client& client, const File& file, bool https,
                                      const Settings& settings) {
  std::vector<std::string> urls;
  if (settings.last_resort == LastResort::off) return urls;
  const std::string_view tail = tail_of(which, request, file.path);
  // Nobody knows which state of a group a fallback has.
  const bool may_be_old = file.group || file.origin_only;
  for (const Fallback* fallback :
       may_be_old ? std::vector<const Fallback*>() : fitting_fallbacks(client, https, settings))
    urls.push_back(file_url(fallback->url, tail));
  if (is_url(request.origin, https ? UrlKind::https_base : UrlKind::web_base))
    urls.push_back(file_url(request.origin, tail));
  if (request.serves_file && !request.tree_url.empty() &&
      (!https || request.tree_url.starts_with("https:")))
    urls.push_back(this_server_url(which, request, file));
  return urls;
}

}  // namespace

bool is_this_server(const Mirror& mirror, const Request& request, const Client& client) {
  const std::string_view base = base_url(mirror, request.https, client.address.family);
  return !request.tree_url.empty() && request.tree_folder.empty() &&
         base.back() == request.tree_url.back() && same_url(base, request.tree_url);
}

std::vector<Candidate> candidates(std::size_t how_many, const Request& request,
                                  const Client& client, const File& file,
                                  const MirrorTable& mirrors, const Settings& settings,
                                  const Mirror*& itself) {
  auto ranked = rank_first(how_many, client, rank_request(request, file, mirrors), file.mirrors,
                           mirrors, settings.rank);
  const auto own = std::find_if(ranked.begin(), ranked.end(), [&](const Candidate& candidate) {
    return is_this_server(*candidate.mirror, request, client);
  });
  if (own == ranked.end()) return ranked;
  itself = own->mirror;
  return all_candidates(how_many, request, client, file, mirrors, settings);
}

std::vector<const Fallback*> fitting_fallbacks(const Client& client, bool https,
                                               const Settings& settings) {
  std::vector<std::pair<int, const Fallback*>> fitting;
  for (const Fallback& fallback : settings.fallbacks) {
    if (const int fit = fallback_fit(fallback, client, https); fit > 0)
      fitting.emplace_back(fit, &fallback);
  }
  std::stable_sort(fitting.begin(), fitting.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<const Fallback*> fallbacks;
  for (const auto& [fit, fallback] : fitting) fallbacks.push_back(fallback);
  return fallbacks;
}

Listed listed(Representation which, const Request& asked, const Client& client, const File& file,
              const MirrorTable& mirrors, const Settings& settings) {
  Listed list;
  Request request = asked;
  request.https = asked.query.schemes == Query::Schemes::any
                      ? asked.https
                      : asked.query.schemes == Query::Schemes::https;
  list.https = request.https;
  list.http_only = asked.query.schemes == Query::Schemes::http;
  const int limit = settings.representations.max_mirrors;
  const bool whole = limit <= 0 || request.repository != nullptr || list.http_only ||
                     !asked.query.further_countries.empty();
  list.ranked = whole ? ranked_for_all(request, client, file, mirrors, settings)
                      : candidates(static_cast<std::size_t>(limit), request, client, file, mirrors,
                                   settings, list.itself);
  leave_out_unwanted(list.ranked, request, client, list.http_only, settings);
  if (settings.last_resort == LastResort::always || list.ranked.empty())
    list.last_resorts = last_resorts(which, request, client, file, list.https, settings);
  auto behind = with_former_versions(request, client, file, mirrors, settings);
  leave_out_unwanted(behind, request, client, list.http_only, settings);
  list.with_former = behind.size();
  list.ranked.insert(list.ranked.end(), behind.begin(), behind.end());
  return list;
}

std::string_view own_path(const Request& request, const File& file) {
  const std::string_view folder = request.tree_folder;
  const bool below = std::string_view(file.path).starts_with(folder) &&
                     (folder.empty() || folder.ends_with('/') || folder == file.path);
  return (below ? std::string_view(file.path) : request.path).substr(folder.size());
}

}  // namespace mirror
