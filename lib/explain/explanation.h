// What a request for a file gets, and why: the answer, what is known of the file, and every mirror
// with its share or the reason why it serves nobody here. What `mb explain` prints, whether it
// looked itself or httpd did. Plain values; all here is pure.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "answer/decide.h"
#include "answer/listed.h"
#include "core/model.h"
#include "rank/rank.h"

namespace mirror {

struct ExplainedFile {
  std::string path;  // the real one
  std::int64_t size_bytes = 0, mtime_s = 0;
  bool pending = false;
  bool gone = false;  // from the source
  // Unix times, where they are known.
  std::optional<std::int64_t> version_since_s, gone_s, grace_ends_s;
};

struct ExplainedAnswer {
  std::optional<int> status;  // nullopt: it is not known, or is httpd's own affair
  std::string url;            // of a redirect
  std::string text;           // what the client gets, on one line
  std::string declined;       // as MB_DECLINED has it; "": not declined
  std::string because;        // the same for people
};

// A mirror that rank() does not know of as rejected.
struct LeftOut {
  MirrorId id = 0;
  std::string identifier;
  std::string reason;
};

struct Explanation {
  Client client;
  bool https = false;
  std::int64_t at_s = 0;              // the moment that is explained
  std::optional<ExplainedFile> file;  // nullopt: none is known by this path
  ExplainedAnswer answer;
  std::string known_from;                      // where this is known from; "": not told
  std::shared_ptr<const MirrorTable> mirrors;  // that the ranking points into
  Ranking ranking;
  std::vector<MirrorId> with_former;  // of those accepted: that have a former version only
  std::vector<LeftOut> left_out;
  std::string not_looked_at;  // what may change the answer besides; "": nothing

  // Of all redirects: the ranking is then what it would be without it. nullptr: there is none.
  const Pause* pause() const {
    return mirrors != nullptr && mirrors->pause() ? &*mirrors->pause() : nullptr;
  }
};

// The mirrors that do not have the file, each with the reason that `reason` gives.
std::vector<LeftOut> without_file(const MirrorTable& mirrors, const MirrorSet& with_file,
                                  const std::function<std::string(const Mirror&)>& reason);

// Why a mirror that has the file may not serve it: a mutable group. "": it does not have the file,
// or may.
std::string held_back_because(const File& file, MirrorId mirror);

// For a list of mirrors instead of a redirect. `explanation` has everything that rank() tells for
// the list's scheme; then its accepted mirrors are those that the list names, in the list's order,
// and each of the others has its reason. `most` is MirrorListLimit; 0: none.
void rank_as_listed(Explanation& explanation, const Listed& list, int most, bool of_repository);

// Each candidate's part of the clients like this one, among those that it competes with: its tier,
// less whoever may not speak the client's family, refuses files of this size or has a shorter
// prefix. Later classes get clients only when all before them have failed.
std::vector<double> shares(const std::vector<Candidate>& accepted);

// Whether the mirror is named although it only has a former version of the file's mutable group.
bool has_former_only(const Explanation& explanation, const Candidate& candidate);

// The pattern that makes the file immutable; nullptr: none does.
const PathGlob* immutable_glob(const Explanation& explanation);

// Why a request was declined, with the directive that says so. `client` is its address.
std::string declined_because(DeclineReason reason, const Request& request, const Address& client,
                             const Settings& settings);

// Lines, each with a newline, without control characters.
std::string explanation_text(const Explanation& explanation);
// In ASCII, indented, with a newline.
std::string explanation_json(const Explanation& explanation);

}  // namespace mirror
