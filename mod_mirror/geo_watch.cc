#include "geo_watch.h"

#include <fmt/format.h>

namespace mirror::httpd {
namespace {

constexpr std::chrono::seconds kLookEvery{2};

}  // namespace

GeoWatch::GeoWatch(std::vector<std::string> files, std::string copies, Log log)
    : files_(std::move(files)), copies_(std::move(copies)), log_(std::move(log)) {}

void GeoWatch::start() {
  if (files_.empty()) return;
  look();
  const auto step = [this]() -> StepThread::Duration {
    look();
    return kLookEvery;
  };
  if (!thread_.start(step, [] {}))
    log_(LogLevel::error, LogId(402),
         "MirrorGeoDatabase: cannot start the thread that looks for replaced files");
}

Client GeoWatch::locate(const Address& address) const {
  if (const GeoDatabases* databases = databases_.load()) return databases->locate(address);
  Client client;
  client.address = address;
  return client;
}

void GeoWatch::look() {
  std::vector<std::string> troubles;
  try {
    if (owned_ != nullptr) {
      troubles = owned_->reopen_changed();
    } else {
      owned_ = std::make_unique<GeoDatabases>(files_, &troubles, copies_);
      databases_ = owned_.get();
    }
  } catch (const std::exception& error) {
    troubles.emplace_back(error.what());
  }
  report(troubles);
}

void GeoWatch::report(const std::vector<std::string>& troubles) {
  if (troubles.empty()) return troubles_log_.reset();
  const std::string line = fmt::format("MirrorGeoDatabase: {}", fmt::join(troubles, "; "));
  if (troubles_log_.opens(line)) log_(LogLevel::error, LogId(401), line);
}

}  // namespace mirror::httpd
