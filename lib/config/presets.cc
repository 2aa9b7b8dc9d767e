#include "config/presets.h"

#include <algorithm>

namespace mirror {
namespace {

constexpr double kRpmAlternatesS = 72 * 3600;

}  // namespace

// apt: a suite's folder is right below dists, or, in old archives of security updates, one deeper.
// Without InRelease there is Release with Release.gpg.
// rpm-md: createrepo_c's repodata; zypper wants the key beside the signature. dnf alone knows
// former versions, and keeps metadata for two days itself. pacman: NAME.db is a file or a link to
// NAME.db.tar.EXT; packages have their signatures beside them. flatpak: an OSTree repository in
// archive mode, whose objects and summaries are named by their hash. nix: a binary cache; each
// narinfo is signed for itself.
const std::vector<Preset>& presets() {
  static const std::vector<Preset> list = {
      {"none", {}, {}},
      {"apt",
       {"pool/**", "by-hash/**"},
       {{"dists/*", {"InRelease", "Release"}, {"Release.gpg"}},
        {"dists/*/updates", {"InRelease", "Release"}, {"Release.gpg"}}}},
      {"rpm-md",
       {"*.rpm", "*.drpm"},
       {{"repodata", {"repomd.xml"}, {"repomd.xml.asc", "repomd.xml.key"}, kRpmAlternatesS}}},
      {"pacman", {"*.pkg.tar.*"}, {{"**", {"*.db", "*.db.tar.*"}, {"*.db.sig"}}}},
      {"flatpak",
       {"objects/**", "summaries/**"},
       {{"**", {"summary"}, {"summary.sig", "summary.idx", "summary.idx.sig"}}}},
      {"nix", {"nar/**"}, {}},
  };
  return list;
}

const Preset* find_preset(std::string_view name) {
  const auto found = std::find_if(presets().begin(), presets().end(),
                                  [&](const Preset& preset) { return name == preset.name; });
  return found == presets().end() ? nullptr : &*found;
}

}  // namespace mirror
