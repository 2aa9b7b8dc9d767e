#include "tools/mb/watch/status_disks.h"

#include <filesystem>
#include <system_error>
#include <thread>

#include "catalog/directory.h"
#include "pg/conninfo.h"

namespace mirror::mb {
namespace {

Disk look_at(Disk disk, bool may_be_missing) {
  std::error_code fault;
  const auto space = std::filesystem::space(disk.path, fault);
  if (fault && may_be_missing) return {};
  if (fault) {
    disk.fault = fault.message();
  } else {
    disk.free_bytes = static_cast<std::int64_t>(space.available);
    disk.size_bytes = static_cast<std::int64_t>(space.capacity);
  }
  return disk;
}

// Unlike those of std::async, this future does not wait for its thread when it is destroyed.
std::future<Disk> look_later(const Disk& disk, bool may_be_missing) {
  std::packaged_task<Disk()> task([=] { return look_at(disk, may_be_missing); });
  std::future<Disk> later = task.get_future();
  std::thread(std::move(task)).detach();
  return later;
}

}  // namespace

DiskLook::DiskLook(const Instance& instance) {
  const auto look = [this](const char* what, const std::string& path, bool may_be_missing) {
    const Disk disk{what, path, 0, 0, ""};
    places_.push_back({disk, look_later(disk, may_be_missing)});
  };
  if (instance.source.starts_with('/')) look("source", instance.source, false);
  // Only hosts with httpd have a catalog where it keeps one by itself.
  if (!instance.catalog.empty())
    look("catalog", instance.catalog, false);
  else
    look("catalog", catalog::default_directory(db::database_name(instance.database)), true);
}

std::vector<Disk> DiskLook::found(std::chrono::steady_clock::time_point deadline) {
  std::vector<Disk> disks;
  for (Place& place : places_) {
    const bool answered = place.later.wait_until(deadline) == std::future_status::ready;
    Disk disk = answered ? place.later.get() : place.disk;
    if (!answered) disk.fault = "does not answer";
    if (!disk.path.empty()) disks.push_back(std::move(disk));
  }
  return disks;
}

}  // namespace mirror::mb
