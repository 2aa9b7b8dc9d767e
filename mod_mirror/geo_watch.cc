#include "geo_watch.h"

#include <algorithm>

namespace mirror::httpd {
namespace {

constexpr std::chrono::seconds kLookEvery{2};

}  // namespace

GeoWatch::GeoWatch(std::vector<std::string> files, Log log)
    : files_(std::move(files)), log_(std::move(log)) {}

void GeoWatch::start() {
  if (files_.empty()) return;
  look();
  thread_.start([this] { run(); });
}

void GeoWatch::ask_to_stop() noexcept {
  stopping_ = true;
  alarm_.ring();
}

Client GeoWatch::locate(const Address& address) const {
  if (const GeoDatabases* databases = databases_.load()) return databases->locate(address);
  Client client;
  client.address = address;
  return client;
}

void GeoWatch::run() noexcept {
  while (!stopping_) {
    alarm_.wait_for(kLookEvery);
    if (!stopping_) look();
  }
}

void GeoWatch::look() {
  std::vector<std::string> troubles;
  try {
    if (owned_ != nullptr) {
      troubles = owned_->reopen_changed();
    } else {
      owned_ = std::make_unique<GeoDatabases>(files_, &troubles);
      databases_ = owned_.get();
    }
  } catch (const std::exception& error) {
    troubles.emplace_back(error.what());
  }
  report(troubles);
}

void GeoWatch::report(const std::vector<std::string>& troubles) {
  for (const auto& trouble : troubles) {
    if (std::find(reported_.begin(), reported_.end(), trouble) != reported_.end()) continue;
    log_(LogLevel::error, "MirrorGeoDatabase: " + trouble);
  }
  reported_ = troubles;
}

}  // namespace mirror::httpd
