// mb-probe: asks mirrors whether they answer, and takes redirects from those that do not.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/nearest.h"
#include "core/path.h"
#include "db/mirror/mirrors.h"
#include "db/mirror/stamps.h"
#include "db/mirror/standing.h"
#include "db/probe/health_rows.h"
#include "db/probe/probe_memory.h"
#include "os/reload_signal.h"
#include "os/service_manager.h"
#include "os/stop_signal.h"
#include "scanner/probe/prober.h"
#include "scanner/probe/service.h"
#include "scanner/probe/session.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/guard.h"

namespace mirror::probe {
namespace {

// How many of the names are no mirror's.
int tell_unknown_names(const std::vector<db::MirrorRecord>& mirrors, const ProbeOptions& options,
                       Reporter& reporter) {
  int unknown = 0;
  std::vector<std::string> known;
  std::size_t width = 0;
  for (const db::MirrorRecord& record : mirrors) {
    known.push_back(record.mirror.identifier);
    width = std::max(width, record.mirror.identifier.size());
  }
  for (const std::string& name : options.names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    ++unknown;
    reporter.warning(fmt::format("mirror '{}': there is no such mirror{}", printable(name),
                                 did_you_mean(name, known)));
  }
  reporter.set_name_width(width);
  return unknown;
}

// The mirrors that the command line means; with --all also disabled ones.
std::vector<std::pair<MirrorId, std::string>> chosen(const std::vector<db::MirrorRecord>& mirrors,
                                                     const ProbeOptions& options) {
  std::vector<std::pair<MirrorId, std::string>> found;
  for (const db::MirrorRecord& record : mirrors) {
    const std::string& name = record.mirror.identifier;
    if (options.all || std::binary_search(options.names.begin(), options.names.end(), name))
      found.emplace_back(record.mirror.id, name);
  }
  return found;
}

bool may_write(Session& session, const ProbeOptions& options, Reporter& reporter) {
  if (options.dry_run) return false;
  if (session.try_lock()) return true;
  reporter.warning("another prober is at work, so nothing is written here: " + session.holder());
  return false;
}

int run_once(const ProbeOptions& options, const StopSignal& stop) {
  Reporter reporter(options.json, true);
  Session session(options, stop);
  const int unknown = tell_unknown_names(db::list_mirrors(session.connection()), options, reporter);
  Prober prober(options, reporter, stop.fd());
  prober.begin(session.connection(), may_write(session, options, reporter));
  if (options.all && prober.mirrors() == 0)
    reporter.warning("no mirror is enabled: nothing to probe");
  while (!prober.finished() && !stop.asked()) prober.step(session.connection());
  if (stop.asked()) session.end_soon();
  prober.end(session.connection());
  if (stop.asked() || prober.had_trouble()) return cli::kAllFailed;
  const bool all_probed = unknown == 0 && prober.mirrors() > 0 && !prober.had_no_file();
  return all_probed && prober.all_good() ? cli::kDone : cli::kFailed;
}

// For a prober that runs no more: nobody else would ever find out that a mirror came back.
int run_forget(const ProbeOptions& options, const StopSignal& stop) {
  Reporter reporter(options.json, true);
  Session session(options, stop);
  db::Connection& connection = session.connection();
  const std::vector<db::MirrorRecord> mirrors = db::list_mirrors(connection);
  const int unknown = tell_unknown_names(mirrors, options, reporter);
  std::map<MirrorId, db::RememberedFiles> forgotten;
  for (const auto& [id, name] : chosen(mirrors, options)) {
    forgotten[id] = {};
    bool known = db::forget_health(connection, id) > 0;
    for (const db::DoubtKind doubt :
         {db::DoubtKind::wrong, db::DoubtKind::returning, db::DoubtKind::stamp})
      known |= db::clear_doubt(connection, id, doubt);
    db::forget_stamp(connection, id);
    if (known) fmt::print("mirror '{}': what was found is forgotten; it counts as up\n", name);
  }
  db::remember_files(connection, forgotten);
  if (!session.try_lock())
    reporter.warning("a prober is at work and will find out again: " + session.holder());
  return unknown == 0 ? cli::kDone : cli::kFailed;
}

// As the command line and the file say now; what they said before when that cannot be used.
ProbeOptions reloaded(int argc, char** argv, const ProbeOptions& before, Reporter& reporter) {
  try {
    const std::variant<ProbeOptions, int> parsed = parse_options(argc, argv);
    if (const ProbeOptions* const options = std::get_if<ProbeOptions>(&parsed)) return *options;
  } catch (const ConfigError& error) {
    reporter.warning(fmt::format("{}; the configuration stays as it was", error.what()));
  }
  return before;
}

int run_loop(int argc, char** argv, ProbeOptions options, const StopSignal& stop) {
  ReloadSignal reload;
  ServiceManager manager;
  Reporter reporter(options.json, options.verbose);
  for (manager.ready(); !stop.asked(); options = reloaded(argc, argv, options, reporter)) {
    reload.take();
    Service(options, reporter, stop, reload, manager).run();
  }
  manager.stopping();
  return cli::kDone;
}

int run(int argc, char** argv) {
  const std::variant<ProbeOptions, int> parsed = parse_options(argc, argv);
  if (const int* const status = std::get_if<int>(&parsed)) return *status;
  const ProbeOptions& options = std::get<ProbeOptions>(parsed);
  const StopSignal stop;
  if (options.forget) return run_forget(options, stop);
  return options.loop ? run_loop(argc, argv, options, stop) : run_once(options, stop);
}

}  // namespace
}  // namespace mirror::probe

int main(int argc, char** argv) {
  return mirror::cli::guarded("mb-probe", [&] { return mirror::probe::run(argc, argv); });
}
