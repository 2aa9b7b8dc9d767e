#include "geo/maxmind_file.h"

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "core/model.h"

namespace mirror {
namespace {

constexpr int kSampledNodes = 10'000;

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
      return read_geo_record(entry).says_anything();
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

}  // namespace

std::optional<GeoRecord> GeoRecordMemory::recall(std::uint32_t record) const {
  const Slot& slot = slot_of(record);
  const std::uint32_t version = slot.version.load(std::memory_order_acquire);
  Words words;
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = slot.words[i].load(std::memory_order_acquire);
  const bool whole = version % 2 == 0 && slot.version.load(std::memory_order_relaxed) == version;
  if (!whole || words[0] != key(record)) return std::nullopt;
  GeoRecord known;
  std::memcpy(static_cast<void*>(&known), &words[1], sizeof known);
  return known;
}

void GeoRecordMemory::keep(std::uint32_t record, const GeoRecord& known) {
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

// Records are some bytes long, so their places are spread.
GeoRecordMemory::Slot& GeoRecordMemory::slot_of(std::uint32_t record) const {
  return slots_[scattered(record) % kSlots];
}

MaxMindFile::MaxMindFile(const PrivateCopy& copy) : identity_(copy.identity) {
  const std::string path = fmt::format("/proc/self/fd/{}", copy.memory.get());
  const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &handle_);
  if (status == MMDB_SUCCESS) return;
  if (status == MMDB_IO_ERROR) throw std::runtime_error(std::strerror(errno));
  throw UnusableGeoFile(MMDB_strerror(status));
}

std::optional<MMDB_entry_s> MaxMindFile::entry_of(const Address& address) const {
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

std::optional<GeoRecord> MaxMindFile::find(const Address& address) const {
  const auto entry = entry_of(address);
  if (!entry) return std::nullopt;
  if (const auto known = memory_.recall(entry->offset)) return known;
  const GeoRecord known = read_geo_record(*entry);
  memory_.keep(entry->offset, known);
  return known;
}

void MaxMindFile::check() const {
  if (!is_whole(handle_)) throw UnusableGeoFile("its tree is damaged");
  if (is_of_another_kind(handle_))
    throw UnusableGeoFile("it has no countries, no coordinates and no AS numbers");
}

}  // namespace mirror
