#include "child.h"

#include <ap_mpm.h>

namespace mirror::httpd {
namespace {

constexpr std::chrono::seconds kStopLimit{3};  // httpd kills children that take much longer

Child* current_child = nullptr;                            // written in child_init, before any request
std::vector<SharedDatabase*>* shared_databases = nullptr;  // in httpd's configuration pool, as in Globals::databases

Log log_to(const server_rec* server) {
  return [server](LogLevel level, const std::string& line) {
    const int httpd_level = level == LogLevel::notice ? APLOG_NOTICE : level == LogLevel::warning ? APLOG_WARNING : APLOG_ERR;
    log_line(server, httpd_level, line);
  };
}

bool is_threaded() {
  int threaded = AP_MPMQ_NOT_SUPPORTED;
  return ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded) == APR_SUCCESS && threaded != AP_MPMQ_NOT_SUPPORTED;
}

// Threads that do not end in time keep what they use; the process ends right after. Prefork calls this from a signal handler,
// which may have interrupted malloc: nothing is freed there.
apr_status_t stop_child(void*) noexcept {
  Child* ending = std::exchange(current_child, nullptr);
  if (ending == nullptr) return APR_SUCCESS;
  for (const auto& database : ending->databases) database->ask_to_stop();
  ending->geo->ask_to_stop();
  const auto deadline = Clock::now() + kStopLimit;
  bool all_ended = ending->geo->join_by(deadline);
  for (const auto& database : ending->databases) all_ended &= database->join_by(deadline);
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
  shared_databases = pool_new<std::vector<SharedDatabase*>>(server->process->pconf);
  std::vector<std::string> conninfos;
  for (const DatabaseConfig& database : globals().databases) conninfos.push_back(database.conninfo);
  *shared_databases = memory->assign(conninfos);
}

void start_child(apr_pool_t* pchild, server_rec* server) {
  auto starting = std::make_unique<Child>();
  const Globals& config = globals();
  const Log log = log_to(server);
  for (std::size_t i = 0; i < config.databases.size(); ++i) {
    const PoolOptions options{config.databases[i].conninfo, config.databases[i].name,
                              config.max_connections.value_or(kDefaultMaxConnections),
                              config.timeout.value_or(kDefaultDatabaseTimeout)};
    starting->databases.push_back(std::make_unique<Database>(options, *shared_databases->at(i), log));
  }
  starting->geo = std::make_unique<GeoWatch>(config.geo_files, log);
  current_child = starting.release();  // from here on stop_child ends what has been started
  apr_pool_cleanup_register(pchild, nullptr, stop_child, apr_pool_cleanup_null);
  for (const auto& database : current_child->databases) database->start();
  current_child->geo->start();
}

const Child* child() { return current_child; }

}  // namespace mirror::httpd
