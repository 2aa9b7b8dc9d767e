// The directives of MirrorBrain's module, so that httpd starts with a configuration that still has
// them: each is an alias of one of ours, or has no meaning here, and is warned of once. Where
// MirrorBrain's own module is loaded too, they are its own and nothing happens here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "directives.h"

namespace mirror::httpd {

using Words = std::vector<std::string>;

struct Alias {
  const char* name;
  const char* stands_for;  // the directive of ours; nullptr: it has no meaning here
  const char* help;        // what it stands for or why it has no meaning, for httpd -L
  // The words of ours; throws BadValue for what cannot be said there. nullptr: the same words.
  Words (*translate)(const Words& words);
  // What says that the list adds to those of the sections around it; nullptr: it is no list.
  bool DirConfig::*joins = nullptr;
};

std::span<const Alias> mirrorbrain_aliases();
// For httpd's table of commands: returns nullptr, or what is wrong.
const char* apply_alias(cmd_parms* cmd, void* config, int count, char* const words[]) noexcept;
// What MirrorBrain calls the tier of the mirror in its log and headers.
std::string_view mirrorbrain_realm(Tier tier, const Mirror& mirror, const Client& client);

}  // namespace mirror::httpd
