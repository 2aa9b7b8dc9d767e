#include "catalog_keeper.h"

#include <ap_mpm.h>

#include <utility>

#include "catalog/error.h"
#include "httpd_api.h"

namespace mirror::httpd {
namespace {

constexpr std::chrono::milliseconds kLeavingPause{250};

// After a graceful restart the child only finishes its requests: writing is for the next
// generation.
bool is_leaving() {
  int state = AP_MPMQ_RUNNING;
  return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS && state == AP_MPMQ_STOPPING;
}

FeedOptions telling(FeedOptions feed, SharedFault& fault) {
  feed.tell_fault = [&fault](const std::string& text) { fault.set(text); };
  return feed;
}

}  // namespace

CatalogKeeper::CatalogKeeper(std::string directory, const catalog::Access& access, FeedOptions feed,
                             SharedFault& fault, Log log)
    : log_(log),
      fault_(fault),
      has_database_(!feed.conninfo.empty()),
      catalog_(catalog::Directory(std::move(directory)), access, feed.name),
      feed_(telling(std::move(feed), fault), catalog_, thread_.stopping(), log) {}

void CatalogKeeper::start() {
  feed_.begin();  // so that the first request has it
  if (!thread_.start([this] { return step(); }, [this] { feed_.step_down(); })) {
    log_(LogLevel::error, LogId(302),
         "MirrorCatalog " + catalog_.directory().path() +
             ": cannot start the thread that looks after it");
  }
}

StepThread::Duration CatalogKeeper::step() noexcept {
  if (!is_leaving()) return feed_.step();
  feed_.step_down();
  feed_.look();
  return kLeavingPause;
}

std::shared_ptr<const MirrorTable> CatalogKeeper::mirrors() {
  try {
    const auto snapshot = catalog_.snapshot();
    return snapshot ? (*snapshot)->mirrors() : nullptr;
  } catch (const catalog::Error&) {  // the lookup that follows says so
    return nullptr;
  }
}

std::unique_ptr<Lookup> CatalogKeeper::find(std::string_view path, std::int64_t now_s,
                                            HashParts parts) {
  try {
    auto snapshot = catalog_.snapshot();
    if (!snapshot) return nullptr;
    catalog::Reader& reader = **snapshot;
    auto lookup = std::make_unique<Lookup>();
    reader.find(path, now_s, parts, *lookup);
    if (!lookup->hashes_complete) return nullptr;
    lookup->mirrors = reader.mirrors();
    lookup->snapshot.emplace(*std::move(snapshot));
    return lookup;
  } catch (const catalog::Error& error) {
    complain(error.what());
    return nullptr;
  }
}

std::string CatalogKeeper::zsync_part(std::string_view path, std::string_view sha1,
                                      std::int64_t offset, std::int64_t count) {
  try {
    auto snapshot = catalog_.snapshot();
    if (!snapshot) return "";
    const std::string_view sums = (*snapshot)->zsync_sums(path, sha1);
    const auto begin = static_cast<std::size_t>(offset), bytes = static_cast<std::size_t>(count);
    return begin > sums.size() || sums.size() - begin < bytes
               ? ""
               : std::string(sums.substr(begin, bytes));
  } catch (const catalog::Error& error) {
    complain(error.what());
    return "";
  }
}

void CatalogKeeper::complain(const std::string& fault) {
  log_(LogLevel::error, LogId(303),
       "MirrorCatalog " + catalog_.directory().path() + ": " + fault +
           (has_database_ ? "; requests go to the database"
                          : "; requests get what MirrorDatabaseDown says"));
}

}  // namespace mirror::httpd
