#include "geo/geo.h"

#include <fmt/core.h>

#include <mutex>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "geo/maxmind_file.h"
#include "geo/private_copy.h"
#include "geo/shared_copies.h"

namespace mirror {
namespace {

std::string trouble(const std::string& path, std::string_view reason) {
  return fmt::format("GeoIP database {}: {}", path, reason);
}

// Fills what is still unknown; `continent` is the database's word, used only for unknown countries.
void fill(const GeoRecord& known, Client& client, Region& continent) {
  if (!client.country.known()) client.country = known.country;
  if (continent == Region::unknown) continent = known.continent;
  // Coordinates of another database that sees the address in another country would contradict the
  // country.
  if (!client.place && (!known.country.known() || known.country == client.country))
    client.place = known.place;
  if (client.asn != 0) return;
  client.asn = known.asn;
  client.as_name = known.as_name;
}

std::shared_ptr<const MaxMindFile> open_private(const std::string& path) {
  auto database = std::make_shared<const MaxMindFile>(copy_privately(path));
  database->check();
  return database;
}

std::shared_ptr<const MaxMindFile> open_shared(const std::string& path, const std::string& copies) {
  const auto check_copy = [](const PrivateCopy& copy) { MaxMindFile(copy).check(); };
  return std::make_shared<const MaxMindFile>(SharedCopies(copies).copy(path, check_copy));
}

std::shared_ptr<const MaxMindFile> open_database(const std::string& path,
                                                 const std::string& copies) {
  try {
    if (copies.empty()) return open_private(path);
    try {
      return open_shared(path, copies);
    } catch (const std::system_error&) {
      return open_private(path);
    }
  } catch (const UnusableGeoFile& error) {
    throw UnusableGeoFile(trouble(path, error.what()));
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(trouble(path, error.what()));
  }
}

constexpr const char* kKept = "; the previous content stays in use";

// What another process of this user has read before, and shares.
std::shared_ptr<const MaxMindFile> open_last(const std::string& path, const std::string& copies) {
  if (copies.empty()) return nullptr;
  try {
    const auto copy = SharedCopies(copies).last(path);
    return copy ? std::make_shared<const MaxMindFile>(*copy) : nullptr;
  } catch (const std::exception&) {
    return nullptr;
  }
}

FileIdentity identity_of(const std::string& path) {
  try {
    return identify(path);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(trouble(path, error.what()));
  }
}

// A content that cannot be used, which need not be copied again to know it.
struct Refused {
  FileIdentity identity;
  std::string why;
};

using DatabaseList = std::vector<std::shared_ptr<const MaxMindFile>>;

}  // namespace

struct GeoDatabases::Impl {
  std::vector<std::string> paths;
  std::string copies;
  std::vector<Refused> refused;  // the last one of each path
  mutable std::mutex mutex;      // guards the pointer, not the files
  std::shared_ptr<const DatabaseList> databases;

  std::shared_ptr<const DatabaseList> current() const {
    const std::lock_guard lock(mutex);
    return databases;
  }
};

GeoDatabases::GeoDatabases(std::vector<std::string> paths, std::vector<std::string>* troubles,
                           std::string copies)
    : impl_(std::make_unique<Impl>()) {
  auto opened = std::make_shared<DatabaseList>();
  for (const std::string& path : paths) {
    try {
      opened->push_back(open_database(path, copies));
    } catch (const std::runtime_error& error) {
      if (troubles == nullptr) throw;
      opened->push_back(open_last(path, copies));
      troubles->push_back(std::string(error.what()) + (opened->back() != nullptr ? kKept : ""));
    }
  }
  impl_->paths = std::move(paths);
  impl_->copies = std::move(copies);
  impl_->refused.resize(impl_->paths.size());
  impl_->databases = std::move(opened);
}

GeoDatabases::~GeoDatabases() = default;

Client GeoDatabases::locate(const Address& address) const {
  Client client;
  client.address = address;
  Region continent = Region::unknown;
  const auto databases = impl_->current();
  const Address located = address.located();
  for (const auto& database : *databases) {
    if (database == nullptr) continue;
    if (const auto known = database->find(located)) fill(*known, client, continent);
  }
  client.region = region_of(client.country);
  if (client.region == Region::unknown) client.region = continent;
  return client;
}

std::vector<std::string> GeoDatabases::reopen_changed() {
  std::vector<std::string> troubles;
  auto renewed = std::make_shared<DatabaseList>(*impl_->current());
  bool changed = false;
  for (std::size_t i = 0; i < renewed->size(); ++i) {
    auto& database = (*renewed)[i];
    try {
      const FileIdentity identity = identity_of(impl_->paths[i]);
      if (database != nullptr && database->identity() == identity) continue;
      Refused& refused = impl_->refused[i];
      if (refused.identity == identity) throw std::runtime_error(refused.why);
      try {
        database = open_database(impl_->paths[i], impl_->copies);
      } catch (const UnusableGeoFile& error) {
        refused = {identity, error.what()};
        throw;
      }
      changed = true;
    } catch (const std::runtime_error& error) {
      troubles.push_back(std::string(error.what()) + (database != nullptr ? kKept : ""));
    }
  }
  if (changed) {
    const std::lock_guard lock(impl_->mutex);
    impl_->databases = std::move(renewed);
  }
  return troubles;
}

bool GeoDatabases::empty() const { return impl_->paths.empty(); }

}  // namespace mirror
