// From a request, a client, a file and the mirrors to an answer. Pure: no httpd, no clock, no I/O.
// The module calls screen() before it pays for a lookup and decide() after it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "answer/conditional.h"
#include "answer/headers.h"
#include "answer/query.h"
#include "core/model.h"
#include "rank/rank.h"
#include "render/representation.h"

namespace mirror {

// Why a request gets no mirror. decline_text() is the word in MB_DECLINED and in the manual.
enum class DeclineReason : std::uint8_t {
  method,  // neither GET nor HEAD
  head,    // MirrorHandleHeadLocally
  direct,  // the query asks for this server's own file
  directory,
  bad_path,  // that no file or folder of a tree can have
  min_size,
  mime_type,
  user_agent,
  network,
  file_mask,
  not_in_table,     // no such file in the table (local trees serve what they have)
  pending,          // touched at the source, waiting for its hash
  origin_only,      // an anchor or signature of a mutable group
  version_differs,  // the local file is not the version that the table knows
  no_mirror,
  paused,         // the admin has stopped all redirects (mb pause)
  traffic,        // every mirror that has it has as much traffic as it allows (max_mbit)
  first_arrival,  // few mirrors have the new file: MirrorFirstArrivalFactor
  database_down,
  catalog_too_old,     // MirrorCatalogMaxAge
  no_hashes,           // what the representation is made of is not known
  no_repository,       // the arguments name no repository (MirrorRepositoryList)
  representation_off,  // MirrorRepresentations
  access,              // the client may not fetch the file that the answer would be about
};
std::string_view decline_text(DeclineReason reason);  // "min-size", …: lower case, hyphens

using Matcher = std::function<bool(std::string_view)>;

// Makes the stamp for the query of a redirect's URL, so that the mirror can check it. Takes the
// present Unix time and the URL's decoded path.
using Stamp = std::function<std::string(std::int64_t now_s, std::string_view url_path)>;

struct Fallback {
  std::string region;   // code, or "" for everyone
  std::string country;  // code, or "" for everyone
  std::string url;      // ends in '/'
};

// Whether lists name this server, the origin and fallbacks after the mirrors.
enum class LastResort : std::uint8_t { off, no_mirror, always };

// What clients get of a new file while few mirrors have it, who are not sent to these.
enum class FirstArrivalRest : std::uint8_t { fallback, origin, unavailable };

// See answer/first_arrival.h.
struct FirstArrivalSettings {
  double factor = 4;  // 0: all clients are sent to mirrors
  std::int64_t min_size_bytes = 10 * 1024 * 1024;
  FirstArrivalRest rest = FirstArrivalRest::fallback;
};

// A Location's settings as far as decisions need them. Lists are views into the configuration,
// which outlives every request: a request's Settings cost nothing to make.
struct Settings {
  std::int64_t min_size_bytes = 4096;
  std::span<const Matcher> excluded_mime_types = {};
  std::span<const Matcher> excluded_user_agents = {};
  std::span<const Matcher> excluded_paths = {};
  std::span<const Prefix> excluded_networks = {};
  std::span<const Fallback> fallbacks = {};
  bool handle_head_locally = false;
  bool pass_query = false;
  LastResort last_resort = LastResort::always;
  int max_links = 5;  // Link: rel=duplicate headers
  Stamp stamp = {};   // empty: none
  FirstArrivalSettings first_arrival = {};
  RankSettings rank = {};
  RepresentationSettings representations = {};
};

struct Repository;

enum class Method : std::uint8_t { get, head, other };

// Whether a mirror has as much redirected traffic as it allows.
using IsFull = std::function<bool(const Mirror&)>;

struct Request {
  Method method = Method::get;
  std::string_view path = {};  // in the tree, decoded
  Query query = {};            // Query::raw without '?'
  bool https = false;
  std::string_view user_agent = {};
  std::string_view mime_type = {};  // httpd's idea of the file's type, "" when it has none
  std::optional<std::int64_t> local_size_bytes = {};  // of the file on disk (MirrorTree local)
  Validators validators = {};
  std::int64_t now_s = 0;
  std::string_view tree_url =
      {};  // this server's URL of `tree_folder`, ends in '/'; "": nothing refers to this server
  // What of a path is not in this server's URLs ("pub/" where /srv/pub is the web server's root and
  // /srv the tree's): "" or ends in '/', or `path` itself, of which alone the URL is known then.
  std::string_view tree_folder = {};
  std::string_view origin = {};  // database trees: where the files are, ends in '/'
  bool serves_file = false;      // local trees: tree_url leads to the files themselves
  std::string_view accept = {};
  std::string_view want_digest = {};
  std::string_view want_repr_digest = {};
  std::optional<Representation> suffix = {};  // `path` has already lost it
  const Repository* repository =
      nullptr;  // the request is for its mirrors; `path` is then its marker's
  // How often this client has asked for this file just before: it could not reach those mirrors.
  std::size_t turn = 0;
  IsFull is_full = {};  // empty: nobody counts
};

// What goes to the log, whatever the answer is.
struct Outcome {
  struct Answer {
    int status = 302;
    Headers headers;
    std::string body;  // for statuses that httpd has no page for; mostly empty
    // Of what follows the body: zsync's sums of the file that decide() got. Too large for a string,
    // they are read while they are sent.
    std::int64_t rest_bytes = 0;
  };
  std::variant<Answer, DeclineReason> result = DeclineReason::no_mirror;
  const Mirror* mirror = nullptr;  // the chosen one
  std::optional<Tier> tier = std::nullopt;
  bool no_mirror = false;  // none may serve this client: the answer is a fallback, a decline, or a
                           // representation without mirrors
  std::optional<Representation> given =
      std::nullopt;  // what the answer holds, when it is no redirect
  std::optional<DeclineReason> refused =
      std::nullopt;                // why it is a 404 instead of a representation, or a fallback
                                   // though mirrors have the file,
  std::string_view why = {};       // and in words
  const Mirror* itself = nullptr;  // a mirror whose URL is this server's, and which was left out
};

// What the URL asks for instead of the file. A query's word counts before a suffix, a repository's
// list before both.
std::optional<Representation> wanted(const Request& request);

inline constexpr const char* kCacheControl = "private, no-cache";

// Whether Accept may change an answer.
bool negotiable(const RepresentationSettings& settings);

// 400 for a representation with a malformed query; else nothing. Call this first for a file's
// request, so that no other fault makes the file's bytes the answer; decide() and fallback_answer()
// call it too. Downloads ignore arguments that they cannot read.
std::optional<Outcome::Answer> query_answer(const Request& request);

// That answer: 400, and what the arguments take.
Outcome::Answer malformed_answer();

// Whether the request is for a list of mirrors, in whatever form.
bool wants_list(const Request& request);

// 404 for a representation that cannot be made: serving the file or redirecting would not answer
// the request.
std::optional<Outcome::Answer> unanswered(const Request& request);

// Declines what can be declined without a lookup; nullopt means go on. Checks the size only if it
// is known already. Declines a malformed query or a request for a representation only because of
// its method or path.
std::optional<DeclineReason> screen(const Request& request, const Address& client,
                                    const Settings& settings);

// The answer for a file that the table has; during a pause, as if no mirror had it. The query may
// have changed the client. `hashes` has
// what is known. Never throws for odd input; std::bad_alloc only.
Outcome decide(const Request& request, const Client& client, const File& file,
               const MirrorTable& mirrors, const Settings& settings, const FileHashes& hashes = {});

// Which hashes decide() may read: none but the digests for a redirect.
HashParts needed_hashes(const Request& request);

// A redirect to the best fallback for the client, when there is one: no lookup was possible, or no
// mirror has the file.
std::optional<Outcome::Answer> fallback_answer(const Request& request, const Client& client,
                                               std::string_view path, const Settings& settings);

}  // namespace mirror
