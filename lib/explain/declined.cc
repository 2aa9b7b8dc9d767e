#include <fmt/core.h>

#include <algorithm>

#include "core/readable.h"
#include "explain/explanation.h"

namespace mirror {
namespace {

// Patterns are known by their place alone: lines of all sections together, from the first on.
std::string pattern_text(const char* directive, std::span<const Matcher> matchers,
                         std::string_view text) {
  const auto found = std::find_if(matchers.begin(), matchers.end(),
                                  [&](const Matcher& matches) { return matches(text); });
  return fmt::format("{} excludes it by its pattern number {}", directive,
                     found - matchers.begin() + 1);
}

std::string network_text(const Address& client, const Settings& settings) {
  const Address located = client.located();
  for (const Prefix& network : settings.excluded_networks) {
    if (network.contains(client) || network.contains(located))
      return fmt::format("MirrorExcludeNetwork {} excludes the client", network.text());
  }
  return "MirrorExcludeNetwork excludes the client";
}

}  // namespace

std::string declined_because(DeclineReason reason, const Request& request, const Address& client,
                             const Settings& settings) {
  switch (reason) {
    case DeclineReason::method:
      return "only GET and HEAD are redirected";
    case DeclineReason::head:
      return "MirrorHandleHeadLocally is On";
    case DeclineReason::direct:
      return "the query asks for this server's own file";
    case DeclineReason::directory:
      return "it is a directory";
    case DeclineReason::bad_path:
      return "no file of a tree can have this path";
    case DeclineReason::min_size:
      return fmt::format("the file is smaller than MirrorMinSize, {} bytes",
                         grouped(settings.min_size_bytes));
    case DeclineReason::mime_type:
      return fmt::format(
          "{} (type {})",
          pattern_text("MirrorExcludeMimeType", settings.excluded_mime_types, request.mime_type),
          request.mime_type);
    case DeclineReason::user_agent:
      return pattern_text("MirrorExcludeUserAgent", settings.excluded_user_agents,
                          request.user_agent);
    case DeclineReason::network:
      return network_text(client, settings);
    case DeclineReason::file_mask:
      return pattern_text("MirrorExcludeFileMask", settings.excluded_paths, request.path);
    case DeclineReason::not_in_table:
      return "the table has no such file";
    case DeclineReason::pending:
      return "the file was touched at the source and is not yet hashed again";
    case DeclineReason::origin_only:
      return "it is an anchor or signature of a mutable group, which comes from the origin alone";
    case DeclineReason::version_differs:
      return "the file on disk is missing, or is not the version that the table has";
    case DeclineReason::no_mirror:
      return "no mirror that has the file may serve this client, and no MirrorFallback fits";
    case DeclineReason::paused:
      return "redirects are paused: mb pause";
    case DeclineReason::traffic:
      return "every mirror that has the file has as much traffic as its max_mbit allows";
    case DeclineReason::first_arrival:
      return "the file is new and few mirrors have it: MirrorFirstArrivalFactor";
    case DeclineReason::database_down:
      return "the database does not answer, and there is no complete catalog";
    case DeclineReason::catalog_too_old:
      return "the catalog is older than MirrorCatalogMaxAge";
    case DeclineReason::no_hashes:
      return "the hashes that it is made of are not known";
    case DeclineReason::no_repository:
      return "the arguments name no repository of MirrorRepositoryList";
    case DeclineReason::representation_off:
      return "MirrorRepresentations turns it off";
    case DeclineReason::access:
      return "httpd's access rules refuse the file";
  }
  return "";
}

}  // namespace mirror
