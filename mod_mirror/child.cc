#include "child.h"

#include <ap_mpm.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unixd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "catalog/crashes.h"

namespace mirror::httpd {
namespace {

constexpr std::chrono::seconds kStopLimit{3};  // httpd kills children that take much longer

Child* current_child = nullptr;  // written in child_init, before any request
sigset_t signals_before;         // hold_signals()
std::string geo_copies;          // the folder; "": each child has copies of its own
SharedMemory* shared_memory = nullptr;
std::vector<SharedDatabase*>* shared_databases =
    nullptr;  // in httpd's configuration pool, as in Globals::databases

Log log_to(const server_rec* server) {
  return Log([server](const LogLine& line) {
    const int httpd_level = line.level == LogLevel::notice    ? APLOG_NOTICE
                            : line.level == LogLevel::warning ? APLOG_WARNING
                                                              : APLOG_ERR;
    log_line(server, httpd_level, line.id, line.text, line.place);
  });
}

bool is_threaded() {
  int threaded = AP_MPMQ_NOT_SUPPORTED;
  return ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded) == APR_SUCCESS &&
         threaded != AP_MPMQ_NOT_SUPPORTED;
}

int threads_of_child() {
  int threads = 0;
  ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
  return std::max(threads, 1);
}

// Each thread may read, and tools too; at least as many as httpd has by default.
unsigned reader_slots() {
  int children = 0;
  ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &children);
  ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &children);
  constexpr int kLeast = 512, kMost = 100'000, kTools = 64;
  return static_cast<unsigned>(
      std::clamp(2 * std::max(children, 1) * threads_of_child(), kLeast, kMost) + kTools);
}

std::unique_ptr<CatalogKeeper> make_keeper(const CatalogConfig& config, SharedFault& fault,
                                           DemandSample& demand, const Log& log) {
  const Globals& all = globals();
  catalog::Access access;
  access.max_bytes = static_cast<std::size_t>(
      all.catalog_max_bytes.value_or(static_cast<std::int64_t>(catalog::kDefaultMaxBytes)));
  access.max_readers = reader_slots();
  FeedOptions feed;
  feed.hashes = all.catalog_hashes.value_or(false);
  feed.timeout = all.timeout.value_or(kDefaultDatabaseTimeout);
  feed.take_demand = [&demand] { return demand.take(); };
  if (config.database) {
    feed.conninfo = all.databases[*config.database].conninfo;
    feed.name = all.databases[*config.database].name;
  }
  return std::make_unique<CatalogKeeper>(config.directory, access, std::move(feed), fault, log);
}

[[noreturn]] void throw_errno(const std::string& name) {
  throw std::system_error(errno, std::generic_category(), name);
}

// Folders that exist stay as they are. New ones do not follow the umask with which httpd was
// started: its children, which run as another user, must be able to pass.
void make_parents(const std::filesystem::path& directory) {
  if (directory.empty() || std::filesystem::exists(directory)) return;
  make_parents(directory.parent_path());
  if (::mkdir(directory.c_str(), 0755) != 0 || ::chmod(directory.c_str(), 0755) != 0)
    throw_errno(directory);
}

void prepare_directory(const std::string& directory) {
  const auto path = std::filesystem::absolute(directory).lexically_normal();
  make_parents((path.has_filename() ? path : path.parent_path()).parent_path());
  if (::mkdir(directory.c_str(), 0750) != 0 || ::chmod(directory.c_str(), 0750) != 0)
    throw_errno(directory);
  if (::geteuid() != 0) return;
  const auto& user = ap_unixd_config;
  if (::chown(directory.c_str(), user.user_id, user.group_id) != 0) throw_errno(directory);
}

// From before a restart: it belongs to the children's user, and no other user may write there.
bool is_own_directory(const std::string& directory) {
  struct stat info;
  if (::lstat(directory.c_str(), &info) != 0) return false;
  const uid_t user = ::geteuid() == 0 ? ap_unixd_config.user_id : ::geteuid();
  return S_ISDIR(info.st_mode) && info.st_uid == user && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Threads that do not end in time keep what they use; the process ends right after. Prefork calls
// this from a signal handler, which may have interrupted malloc: nothing is freed there.
apr_status_t stop_child(void*) noexcept {
  Child* ending = std::exchange(current_child, nullptr);
  if (ending == nullptr) return APR_SUCCESS;
  for (const auto& database : ending->databases) database->ask_to_stop();
  for (const auto& catalog : ending->catalogs) {
    if (catalog != nullptr) catalog->ask_to_stop();
  }
  ending->geo->ask_to_stop();
  const auto deadline = Clock::now() + kStopLimit;
  bool all_ended = ending->geo->join_by(deadline);
  for (const auto& database : ending->databases) all_ended &= database->join_by(deadline);
  for (const auto& catalog : ending->catalogs)
    all_ended &= catalog == nullptr || catalog->join_by(deadline);
  if (all_ended && is_threaded()) delete ending;
  return APR_SUCCESS;
}

}  // namespace

void prepare_shared_memory(const server_rec* server) {
  apr_pool_t* process_pool = server->process->pool;
  void* data = nullptr;
  apr_pool_userdata_get(&data, SharedMemory::kName, process_pool);
  auto* memory = static_cast<SharedMemory*>(data);
  if (memory == nullptr) {
    memory = SharedMemory::create();
    apr_pool_userdata_set(memory, SharedMemory::kName, apr_pool_cleanup_null, process_pool);
  }
  shared_memory = memory;
  shared_databases = pool_new<std::vector<SharedDatabase*>>(server->process->pconf);
  std::vector<std::string> conninfos;
  for (const DatabaseConfig& database : globals().databases) conninfos.push_back(database.conninfo);
  *shared_databases = memory->assign(conninfos);
}

void prepare_catalogs(const server_rec* server) {
  for (const CatalogConfig& catalog : globals().catalogs) {
    if (!catalog.used || std::filesystem::exists(catalog.directory)) continue;
    try {
      prepare_directory(catalog.directory);
    } catch (const std::exception& error) {
      log_line(server, APLOG_WARNING, LogId(301),
               "MirrorCatalog " + catalog.directory + " cannot be created, so " +
                   (catalog.database ? "requests go to the database: "
                                     : "nothing can be imported there: ") +
                   error.what());
    }
  }
}

void prepare_geo_copies(const server_rec* server) {
  geo_copies.clear();
  if (globals().geo_files.empty()) return;
  const char* const folder = ap_runtime_dir_relative(server->process->pconf, "mod_mirror-geo");
  try {
    if (folder == nullptr) throw std::runtime_error("no DefaultRuntimeDir");
    if (!is_own_directory(folder)) prepare_directory(folder);
    geo_copies = folder;
  } catch (const std::exception& error) {
    log_line(server, APLOG_NOTICE, LogId(403),
             std::string("MirrorGeoDatabase: each process keeps its own copy in memory: ") +
                 error.what());
  }
}

void hold_signals() {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int end : {SIGTERM, SIGHUP}) sigaddset(&ends, end);
  pthread_sigmask(SIG_BLOCK, &ends, &signals_before);
}

void release_signals() { pthread_sigmask(SIG_SETMASK, &signals_before, nullptr); }

void start_child(apr_pool_t* pchild, server_rec* server) {
  auto starting = std::make_unique<Child>();
  const Globals& config = globals();
  const Log log = log_to(server);
  for (std::size_t i = 0; i < config.databases.size(); ++i) {
    const PoolOptions options{config.databases[i].conninfo, config.databases[i].name,
                              config.max_connections.value_or(kDefaultMaxConnections),
                              config.timeout.value_or(kDefaultDatabaseTimeout)};
    starting->databases.push_back(
        std::make_unique<Database>(options, *shared_databases->at(i), log, threads_of_child()));
  }
  for (const CatalogConfig& catalog : config.catalogs) {
    LogGate& gate = shared_memory->catalog_log(starting->catalogs.size());
    SharedFault& fault = shared_memory->catalog_fault(starting->catalogs.size());
    const Log log_once([log, &gate](const LogLine& line) {
      if (gate.opens(line.text)) log(line);
    });
    starting->demand.push_back(&shared_memory->demand(starting->catalogs.size()));
    starting->demand.back()->begin(catalog.directory);
    starting->catalogs.push_back(
        catalog.used ? make_keeper(catalog, fault, *starting->demand.back(), log_once) : nullptr);
  }
  starting->recent_requests = &shared_memory->recent_requests();
  starting->traffic = &shared_memory->traffic();
  starting->geo = std::make_unique<GeoWatch>(config.geo_files, geo_copies, log);
  if (std::any_of(config.catalogs.begin(), config.catalogs.end(),
                  [](const CatalogConfig& catalog) { return catalog.used; })) {
    catalog::share_crashes(&shared_memory->crashes());
    catalog::on_crash(catalog::count_crash);
  }
  current_child = starting.release();  // from here on stop_child ends what has been started
  apr_pool_cleanup_register(pchild, nullptr, stop_child, apr_pool_cleanup_null);
  for (const auto& database : current_child->databases) database->start();
  for (const auto& catalog : current_child->catalogs) {
    if (catalog != nullptr) catalog->start();
  }
  current_child->geo->start();
}

std::shared_ptr<const MirrorTable> Child::mirrors_of(const DirConfig& config) const {
  CatalogKeeper* keeper = catalog_of(config);
  auto mirrors = keeper != nullptr ? keeper->mirrors() : nullptr;
  if (mirrors != nullptr || !config.database) return mirrors;
  return databases.at(config.database->index)->mirrors();
}

const Child* child() { return current_child; }

}  // namespace mirror::httpd
