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

// Why no query could be answered by the rule; "" for a sound one.
std::string repository_fault(const RepositoryRule& rule);

// By the first rule all of whose arguments the query has, once each, with values that it accepts.
// Whatever the patterns, the marker's path is one that may be in a tree (check_path).
std::optional<Repository> find_repository(std::span<const RepositoryRule> rules,
                                          std::string_view query);

// 404 for a list that cannot be had: no_repository, or not_in_table for a directory without its
// marker.
Outcome no_repository(DeclineReason reason);

}  // namespace mirror
