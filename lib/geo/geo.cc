#include "geo/geo.h"

#include <fmt/core.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include "geo/private_copy.h"
#include "geo/shared_copies.h"

namespace mirror {
namespace {

constexpr std::size_t kMaxNameBytes = 200;
constexpr int kSampledNodes = 10'000;

std::string trouble(const std::string& path, std::string_view reason) {
  return fmt::format("GeoIP database {}: {}", path, reason);
}

// What a database says of a network. The name lies in the file.
struct Known {
  std::optional<Place> place;
  std::string_view as_name;
  AsNumber asn = 0;
  CountryCode country;
  Region continent = Region::unknown;
};

// What has been read of records, by their place in the file: many networks share one, and reading
// it takes longer than finding it. Any number of threads may read and write; a reader that meets
// another thread's writing counts the place as unknown.
class Memory {
 public:
  std::optional<Known> recall(std::uint32_t record) const {
    const Slot& slot = slot_of(record);
    const std::uint32_t version = slot.version.load(std::memory_order_acquire);
    Words words;
    for (std::size_t i = 0; i < words.size(); ++i)
      words[i] = slot.words[i].load(std::memory_order_acquire);
    const bool whole = version % 2 == 0 && slot.version.load(std::memory_order_relaxed) == version;
    if (!whole || words[0] != key(record)) return std::nullopt;
    Known known;
    std::memcpy(static_cast<void*>(&known), &words[1], sizeof known);
    return known;
  }

  void keep(std::uint32_t record, const Known& known) {
    Slot& slot = slot_of(record);
    std::uint32_t version = slot.version.load(std::memory_order_relaxed);
    if (version % 2 != 0 ||
        !slot.version.compare_exchange_strong(version, version + 1, std::memory_order_acquire))
      return;
    Words words{key(record)};
    std::memcpy(&words[1], &known, sizeof known);
    for (std::size_t i = 0; i < words.size(); ++i)
      slot.words[i].store(words[i], std::memory_order_release);
    slot.version.store(version + 2, std::memory_order_release);
  }

 private:
  static_assert(std::is_trivially_copyable_v<Known>);
  static constexpr std::size_t kSlots = 2048;
  using Words = std::array<std::uint64_t, 1 + (sizeof(Known) + 7) / 8>;  // key, what is known
  struct Slot {
    std::atomic<std::uint32_t> version{0};  // odd while it is being written
    std::array<std::atomic<std::uint64_t>, std::tuple_size_v<Words>> words{};
  };

  static std::uint64_t key(std::uint32_t record) {
    return std::uint64_t{record} + 1;
  }  // 0: nothing is kept

  // Records are some bytes long, so their places are spread.
  Slot& slot_of(std::uint32_t record) const { return slots_[scattered(record) % kSlots]; }

  std::unique_ptr<Slot[]> slots_ = std::make_unique<Slot[]>(kSlots);
};

// A file whose content is no GeoIP database that we can use, however often it is read.
class Unusable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One open file.
class MaxMindFile {
 public:
  // Throws std::runtime_error with the reason.
  explicit MaxMindFile(const PrivateCopy& copy) : identity_(copy.identity) {
    const std::string path = fmt::format("/proc/self/fd/{}", copy.memory.get());
    const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &handle_);
    if (status == MMDB_SUCCESS) return;
    if (status == MMDB_IO_ERROR) throw std::runtime_error(std::strerror(errno));
    throw Unusable(MMDB_strerror(status));
  }
  ~MaxMindFile() { MMDB_close(&handle_); }
  MaxMindFile(const MaxMindFile&) = delete;
  MaxMindFile& operator=(const MaxMindFile&) = delete;

  const FileIdentity& identity() const { return identity_; }
  const MMDB_s& handle() const { return handle_; }
  Memory& memory() const { return memory_; }

  // nullopt: nothing known of the address, or the file's tree is damaged there.
  std::optional<MMDB_entry_s> find(const Address& address) const {
    sockaddr_storage socket{};
    if (address.family == Family::ipv4) {
      auto* v4 = reinterpret_cast<sockaddr_in*>(&socket);
      v4->sin_family = AF_INET;
      std::memcpy(&v4->sin_addr, address.bytes.data(), 4);
    } else {
      auto* v6 = reinterpret_cast<sockaddr_in6*>(&socket);
      v6->sin6_family = AF_INET6;
      std::memcpy(&v6->sin6_addr, address.bytes.data(), 16);
    }
    int status = MMDB_SUCCESS;
    MMDB_lookup_result_s result =
        MMDB_lookup_sockaddr(&handle_, reinterpret_cast<sockaddr*>(&socket), &status);
    if (status != MMDB_SUCCESS || !result.found_entry) return std::nullopt;
    return result.entry;
  }

 private:
  FileIdentity identity_;
  MMDB_s handle_{};
  mutable Memory memory_;
};

// Where a value may stand, MaxMind's nested layout first, then flat ones.
using KeyPath = const char* const[3];
constexpr KeyPath kCountryKeys[] = {
    {"country", "iso_code"}, {"country_code"}, {"country"}, {"registered_country", "iso_code"}};
constexpr KeyPath kContinentKeys[] = {{"continent", "code"}, {"continent_code"}};
constexpr KeyPath kLatitudeKeys[] = {{"location", "latitude"}, {"latitude"}};
constexpr KeyPath kLongitudeKeys[] = {{"location", "longitude"}, {"longitude"}};
constexpr KeyPath kAsnKeys[] = {
    {"autonomous_system_number"}, {"asn"}, {"traits", "autonomous_system_number"}};
constexpr KeyPath kAsNameKeys[] = {
    {"autonomous_system_organization"}, {"as_name"}, {"traits", "autonomous_system_organization"}};

// The first of the keys whose value `read` understands; anything else in the file counts as absent.
template <std::size_t N, typename Read>
auto first_value(const MMDB_entry_s& entry, KeyPath (&keys)[N], Read read)
    -> decltype(read(MMDB_entry_data_s())) {
  for (const KeyPath& key : keys) {
    MMDB_entry_s start = entry;
    MMDB_entry_data_s data{};
    if (MMDB_aget_value(&start, &data, key) != MMDB_SUCCESS || !data.has_data) continue;
    if (auto value = read(data)) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> as_text(const MMDB_entry_data_s& data) {
  if (data.type != MMDB_DATA_TYPE_UTF8_STRING) return std::nullopt;
  return std::string_view(data.utf8_string, data.data_size);
}

std::optional<CountryCode> as_country(const MMDB_entry_data_s& data) {
  const auto text = as_text(data);
  const auto code = text ? CountryCode::parse(*text) : std::nullopt;
  return code && code->known() && !code->everyone() ? code : std::nullopt;
}

std::optional<Region> as_region(const MMDB_entry_data_s& data) {
  const auto text = as_text(data);
  return text ? parse_region(*text) : std::nullopt;
}

std::optional<double> as_number(const MMDB_entry_data_s& data) {
  if (data.type == MMDB_DATA_TYPE_DOUBLE) return data.double_value;
  if (data.type == MMDB_DATA_TYPE_FLOAT) return data.float_value;
  return std::nullopt;
}

// An integer of any width, or text with or without "AS" before it.
std::optional<AsNumber> as_asn(const MMDB_entry_data_s& data) {
  std::uint64_t number = 0;
  if (data.type == MMDB_DATA_TYPE_UINT16) {
    number = data.uint16;
  } else if (data.type == MMDB_DATA_TYPE_UINT32) {
    number = data.uint32;
  } else if (data.type == MMDB_DATA_TYPE_UINT64) {
    number = data.uint64;
  } else if (data.type == MMDB_DATA_TYPE_INT32) {
    number = data.int32 > 0 ? data.int32 : 0;
  } else if (auto text = as_text(data)) {
    if (text->size() > 2 && ((*text)[0] | 0x20) == 'a' && ((*text)[1] | 0x20) == 's')
      text->remove_prefix(2);
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  }
  if (number == 0 || number > std::numeric_limits<AsNumber>::max()) return std::nullopt;
  return static_cast<AsNumber>(number);
}

std::optional<Place> read_place(const MMDB_entry_s& entry) {
  const auto latitude = first_value(entry, kLatitudeKeys, as_number);
  const auto longitude = first_value(entry, kLongitudeKeys, as_number);
  // Written so that NaN is refused.
  if (!latitude || !longitude || !(std::abs(*latitude) <= 90) || !(std::abs(*longitude) <= 180))
    return std::nullopt;
  return Place{*latitude, *longitude};
}

Known read(const MMDB_entry_s& entry) {
  Known known;
  known.country = first_value(entry, kCountryKeys, as_country).value_or(CountryCode());
  known.continent = first_value(entry, kContinentKeys, as_region).value_or(Region::unknown);
  known.place = read_place(entry);
  known.asn = first_value(entry, kAsnKeys, as_asn).value_or(0);
  if (known.asn != 0)
    known.as_name = first_value(entry, kAsNameKeys, as_text).value_or("").substr(0, kMaxNameBytes);
  return known;
}

// Fills what is still unknown; `continent` is the database's word, used only for unknown countries.
void fill(const Known& known, Client& client, Region& continent) {
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

bool says_anything(const MMDB_entry_s& entry) {
  const Known known = read(entry);
  return known.country.known() || known.continent != Region::unknown || known.place ||
         known.asn != 0;
}

// Whether the first records of the tree say nothing of use, none of them: what a database of
// domains or of proxies looks like.
bool is_of_another_kind(const MMDB_s& handle) {
  bool has_records = false;
  std::vector<std::uint64_t> nodes{0};
  for (int seen = 0; seen < kSampledNodes && !nodes.empty(); ++seen) {
    MMDB_search_node_s node{};
    const auto number = static_cast<std::uint32_t>(nodes.back());
    nodes.pop_back();
    if (MMDB_read_node(&handle, number, &node) != MMDB_SUCCESS) continue;
    const auto look = [&](std::uint8_t type, std::uint64_t child, const MMDB_entry_s& entry) {
      if (type == MMDB_RECORD_TYPE_SEARCH_NODE) nodes.push_back(child);
      if (type != MMDB_RECORD_TYPE_DATA) return false;
      has_records = true;
      return says_anything(entry);
    };
    if (look(node.right_record_type, node.right_record, node.right_record_entry)) return false;
    if (look(node.left_record_type, node.left_record, node.left_record_entry)) return false;
  }
  return has_records;
}

// Checks every node of the tree: in a file that is mixed from two versions some nodes lead nowhere.
bool is_whole(const MMDB_s& handle) {
  for (std::uint32_t number = 0; number < handle.metadata.node_count; ++number) {
    MMDB_search_node_s node{};
    if (MMDB_read_node(&handle, number, &node) != MMDB_SUCCESS) return false;
    if (node.left_record_type == MMDB_RECORD_TYPE_INVALID ||
        node.right_record_type == MMDB_RECORD_TYPE_INVALID)
      return false;
  }
  return true;
}

// Throws if the file cannot tell a client's place.
void check(const MaxMindFile& file) {
  if (!is_whole(file.handle())) throw Unusable("its tree is damaged");
  if (is_of_another_kind(file.handle()))
    throw Unusable("it has no countries, no coordinates and no AS numbers");
}

std::shared_ptr<const MaxMindFile> open_private(const std::string& path) {
  auto database = std::make_shared<const MaxMindFile>(copy_privately(path));
  check(*database);
  return database;
}

std::shared_ptr<const MaxMindFile> open_shared(const std::string& path, const std::string& copies) {
  const auto check_copy = [](const PrivateCopy& copy) { check(MaxMindFile(copy)); };
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
  } catch (const Unusable& error) {
    throw Unusable(trouble(path, error.what()));
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

Known recall(const MaxMindFile& database, const MMDB_entry_s& entry) {
  if (const auto known = database.memory().recall(entry.offset)) return *known;
  const Known known = read(entry);
  database.memory().keep(entry.offset, known);
  return known;
}

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
    if (const auto entry = database->find(located))
      fill(recall(*database, *entry), client, continent);
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
      } catch (const Unusable& error) {
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
