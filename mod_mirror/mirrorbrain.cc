#include "mirrorbrain.h"

#include <fmt/format.h>
#include <http_config.h>

#include <algorithm>

namespace mirror::httpd {
namespace {

// MirrorBrain compares the beginning of the address as text: "10.1." is a network of whole bytes.
Words network_words(const Words& words) {
  std::string text = words.at(0);
  if (Prefix::parse(text)) return {text};
  if (const auto address = Address::parse(text))
    return {text + (address->family == Family::ipv6 ? "/128" : "/32")};
  const bool ends = text.ends_with('.');
  if (ends) text.pop_back();
  const auto bytes = std::count(text.begin(), text.end(), '.') + 1;
  std::string whole = text;
  for (auto byte = bytes; byte < 4; ++byte) whole += ".0";
  const std::string network = fmt::format("{}/{}", whole, 8 * bytes);
  if (!ends || bytes > 3 || !Prefix::parse(network))
    throw BadValue(
        fmt::format("'{}' is no network here: write one such as 192.0.2.0/24 with "
                    "MirrorExcludeNetwork",
                    words[0]));
  return {network};
}

Words dht_words(const Words& words) {
  if (words.size() != 2) throw BadValue("takes a host and a port");
  return {words[0] + ":" + words[1]};
}

// Arguments may stand before the folder and its marker.
Words repository_words(const Words& words) {
  Words named = words;
  std::stable_partition(named.begin(), named.end(),
                        [](const std::string& word) { return word.find('=') == word.npos; });
  return named;
}

constexpr const char* kOwnQueries = "no queries are set here: MirrorDatabase names the database";
constexpr const char* kOwnCache = "clients keep their mirror without a cache: MirrorStickiness";

constexpr Alias kAliases[] = {
    {"MirrorBrainEngine", "MirrorEngine", "MirrorEngine", nullptr},
    {"MirrorBrainDebug", nullptr, "`mb explain URL` tells why a client gets a mirror", nullptr},
    {"MirrorBrainMinSize", "MirrorMinSize", "MirrorMinSize", nullptr},
    {"MirrorBrainExcludeMimeType", "MirrorExcludeMimeType", "MirrorExcludeMimeType", nullptr,
     &DirConfig::joins_mime_types},
    {"MirrorBrainExcludeUserAgent", "MirrorExcludeUserAgent", "MirrorExcludeUserAgent", nullptr,
     &DirConfig::joins_user_agents},
    {"MirrorBrainExcludeNetwork", "MirrorExcludeNetwork", "MirrorExcludeNetwork", network_words,
     &DirConfig::joins_networks},
    {"MirrorBrainExcludeIP", "MirrorExcludeNetwork", "MirrorExcludeNetwork", network_words,
     &DirConfig::joins_networks},
    {"MirrorBrainExcludeFileMask", "MirrorExcludeFileMask", "MirrorExcludeFileMask", nullptr,
     &DirConfig::joins_urls},
    {"MirrorBrainHandleHEADRequestLocally", "MirrorHandleHeadLocally", "MirrorHandleHeadLocally",
     nullptr},
    {"MirrorBrainHandleDirectoryIndexLocally", nullptr, "httpd always lists folders itself",
     nullptr},
    {"MirrorBrainMetalinkTorrentAddMask", nullptr, "torrents are made from the hashes", nullptr},
    {"MirrorBrainFallback", "MirrorFallback", "MirrorFallback", nullptr,
     &DirConfig::joins_fallbacks},
    {"MirrorBrainRedirectStampKey", "MirrorRedirectStampKey", "MirrorRedirectStampKey", nullptr},
    {"MirrorBrainYumDir", "MirrorRepositoryList", "MirrorRepositoryList", repository_words},
    {"MirrorBrainDBDQuery", nullptr, kOwnQueries, nullptr},
    {"MirrorBrainDBDQueryHash", nullptr, kOwnQueries, nullptr},
    {"MirrorBrainInstance", nullptr, kOwnCache, nullptr},
    {"MirrorBrainMemcached", nullptr, kOwnCache, nullptr},
    {"MirrorBrainMemcachedLifeTime", nullptr, kOwnCache, nullptr},
    {"MirrorBrainMetalinkHashesPathPrefix", nullptr, "mb-hash keeps hashes in the database",
     nullptr},
    {"MirrorBrainHashesSuppressFilenames", "MirrorHashesSuppressFilenames",
     "MirrorHashesSuppressFilenames", nullptr},
    {"MirrorBrainMetalinkPublisher", "MirrorPublisher", "MirrorPublisher", nullptr},
    {"MirrorBrainTorrentTrackerURL", "MirrorTracker", "MirrorTracker", nullptr},
    {"MirrorBrainDHTNode", "MirrorDhtNode", "MirrorDhtNode HOST:PORT", dht_words},
    {"MirrorBrainMetalinkMagnetLinks", "MirrorMetalinkMagnets", "MirrorMetalinkMagnets", nullptr},
    {"MirrorBrainMetalinkBrokenTestMirrors", nullptr, "lists name no broken mirrors for tests",
     nullptr},
    {"MirrorBrainMirrorlistStyleSheet", "MirrorListStyleSheet", "MirrorListStyleSheet", nullptr},
    {"MirrorBrainMirrorlistHeader", "MirrorListHeader", "MirrorListHeader", nullptr},
    {"MirrorBrainMirrorlistFooter", "MirrorListFooter", "MirrorListFooter", nullptr},
};

// As it would stand in a file.
std::string line_text(const char* directive, const Words& words) {
  std::string text = directive;
  for (const std::string& word : words) {
    const bool plain = word.find_first_of(" \t\"'") == word.npos;
    text += plain ? " " + word : fmt::format(" \"{}\"", word);
  }
  return text;
}

// How ours differs.
std::string_view caution(const Alias& alias) {
  if (alias.joins == &DirConfig::joins_urls)
    return "; but that one's REGEX is matched against the path in the tree, which has no '/' "
           "before it, and its lines in a section take the place of those around it";
  return alias.joins != nullptr
             ? "; but that one's lines in a section take the place of those around it"
             : "";
}

// Once for each name; the words of a stamp's key are a secret.
void warn(const cmd_parms* cmd, const Alias& alias, const Words& words) {
  const bool secret = std::string_view(alias.name).ends_with("Key");
  globals().add_note(
      alias.name,
      fmt::format(
          "{}:{}: {}", cmd->directive->filename, cmd->directive->line_num,
          alias.stands_for == nullptr
              ? fmt::format("{} has no meaning here and may be removed: {}", alias.name, alias.help)
              : fmt::format("{} is MirrorBrain's name; write '{}' instead{}", alias.name,
                            line_text(alias.stands_for, secret ? Words{"KEY"} : words),
                            caution(alias))));
}

// MirrorBrain matches masks against the URL's path, ours are about the tree's.
void add_url_masks(const Line& line, DirConfig& config) {
  DirConfig read;
  apply(*directive_by_name("MirrorExcludeFileMask"), line, read);
  if (config.excluded_urls == nullptr)
    config.excluded_urls = pool_new<std::vector<Matcher>>(line.cmd->pool);
  config.excluded_urls->insert(config.excluded_urls->end(), read.excluded_paths->begin(),
                               read.excluded_paths->end());
}

void apply_one(const Alias& alias, cmd_parms* cmd, DirConfig& config, const Words& given) {
  if (ap_find_linked_module("mod_mirrorbrain.c") != nullptr) return;
  const Words words = alias.translate != nullptr ? alias.translate(given) : given;
  warn(cmd, alias, words);
  if (alias.stands_for == nullptr) return;
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(apr_pstrdup(cmd->pool, word.c_str()));
  if (alias.joins != nullptr) config.*alias.joins = true;
  if (alias.joins == &DirConfig::joins_urls) return add_url_masks({cmd, pointers}, config);
  apply(*directive_by_name(alias.stands_for), {cmd, pointers}, config);
}

}  // namespace

std::span<const Alias> mirrorbrain_aliases() { return kAliases; }

const char* apply_alias(cmd_parms* cmd, void* config, int count, char* const words[]) noexcept {
  const auto& alias = *static_cast<const Alias*>(cmd->cmd->cmd_data);
  try {
    apply_one(alias, cmd, *static_cast<DirConfig*>(config), Words(words, words + count));
    return nullptr;
  } catch (const std::exception& fault) {
    return apr_pstrcat(cmd->pool, alias.name, ": ", fault.what(), nullptr);
  } catch (...) {
    return "failed for an unknown reason";
  }
}

std::string_view mirrorbrain_realm(Tier tier, const Mirror& mirror, const Client& client) {
  switch (tier) {
    case Tier::prefix:
      return "prefix";
    case Tier::as:
      return "AS";
    case Tier::country:
      return "country";
    case Tier::other_country:
      return "other_country";
    case Tier::far:
      break;
  }
  return client.region != Region::unknown && mirror.region == client.region ? "region" : "other";
}

}  // namespace mirror::httpd
