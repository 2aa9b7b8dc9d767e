// One open MaxMind DB file (libmaxminddb), read from a private copy. Any number of threads may look
// addresses up.
#pragma once

#include <maxminddb.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>

#include "core/address.h"
#include "geo/private_copy.h"
#include "geo/record.h"

namespace mirror {

// A file whose content is not a GeoIP database that we can use, however often it is read.
class UnusableGeoFile : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Records that have been read, by their place in the file: many networks share one, and reading a
// record takes longer than finding it. Any number of threads may read and write; a reader that
// meets another thread's writing counts the record as not read yet.
class GeoRecordMemory {
 public:
  std::optional<GeoRecord> recall(std::uint32_t record) const;
  void keep(std::uint32_t record, const GeoRecord& known);

 private:
  static_assert(std::is_trivially_copyable_v<GeoRecord>);
  static constexpr std::size_t kSlots = 2048;
  using Words = std::array<std::uint64_t, 1 + (sizeof(GeoRecord) + 7) / 8>;  // key, what is known
  struct Slot {
    std::atomic<std::uint32_t> version{0};  // odd while it is being written
    std::array<std::atomic<std::uint64_t>, std::tuple_size_v<Words>> words{};
  };

  static std::uint64_t key(std::uint32_t record) { return std::uint64_t{record} + 1; }  // 0: empty
  Slot& slot_of(std::uint32_t record) const;

  std::unique_ptr<Slot[]> slots_ = std::make_unique<Slot[]>(kSlots);
};

class MaxMindFile {
 public:
  // Throws std::runtime_error with the reason.
  explicit MaxMindFile(const PrivateCopy& copy);
  ~MaxMindFile() { MMDB_close(&handle_); }
  MaxMindFile(const MaxMindFile&) = delete;
  MaxMindFile& operator=(const MaxMindFile&) = delete;

  const FileIdentity& identity() const { return identity_; }
  // nullopt: nothing is known about the address, or the file's tree is damaged there. The record's
  // name points into the file.
  std::optional<GeoRecord> find(const Address& address) const;
  // Throws UnusableGeoFile if the file cannot tell a client's place. Reads the whole tree.
  void check() const;

 private:
  std::optional<MMDB_entry_s> entry_of(const Address& address) const;

  FileIdentity identity_;
  MMDB_s handle_{};
  mutable GeoRecordMemory memory_;
};

}  // namespace mirror
