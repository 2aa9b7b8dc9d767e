// Mirrors of whole repositories, for dnf, zypper and yum: a query's arguments name a directory of
// the tree, and the marker file in it tells which mirrors have the repository as it is now. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answer/decide.h"
#include "render/repository.h"

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

// Why the rule can never fit; "" if it is usable.
std::string repository_fault(const RepositoryRule& rule);

// The repository of the first rule that fits: the query has all of its arguments, once each, with
// values that the rule accepts. The marker's path has always passed check_path.
std::optional<Repository> find_repository(std::span<const RepositoryRule> rules,
                                          std::string_view query);

// 404 for a list that cannot be made: no_repository, or not_in_table for a directory without its
// marker.
Outcome no_repository(DeclineReason reason);

}  // namespace mirror
