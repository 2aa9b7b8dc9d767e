// Mirrors of whole repositories, for dnf, zypper and yum: a query's arguments name a directory of
// the tree, and the marker file in it tells which mirrors have the repository as it is now. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/decide.h"

namespace mirror {

struct RepositoryArgument {
  std::string name;
  Matcher accepts;  // a whole value, decoded
};

// As configured.
struct RepositoryRule {
  std::string directory;  // of the tree; {NAME} stands for that argument's value; "": the root
  std::string marker;     // a file's path below it
  std::vector<RepositoryArgument> arguments;
};

// Why no query could be answered by the rule; "" for a sound one.
std::string repository_fault(const RepositoryRule& rule);

// One repository, as a request names it.
struct Repository {
  std::string directory;                       // of the tree; "" or ends in '/'
  std::string marker;                          // below it
  Representation form = Representation::text;  // of base URLs; or metalink, of the marker
  std::string url = {};                        // of this list itself, for the Metalink

  std::string marker_path() const { return directory + marker; }
  // Where base URLs lead, when `real_path` is what the marker's path really is.
  std::string_view real_directory(std::string_view real_path) const;
};

// By the first rule all of whose arguments the query has, once each, with values that it accepts.
// Whatever the patterns, the marker's path is one that may be in a tree (check_path).
std::optional<Repository> find_repository(std::span<const RepositoryRule> rules,
                                          std::string_view query);

// 404 for a list that cannot be had: no_repository, or not_in_table for a directory without its
// marker.
Outcome no_repository(DeclineReason reason);

// Once `enough` mirrors are near (of a tier nearer than far, or in the client's region), the others
// are left out; 0: never.
void leave_out_far(std::vector<Candidate>& ranked, const Client& client, int enough);

}  // namespace mirror
