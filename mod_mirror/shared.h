// State that all processes of one httpd share, in shared memory: for each database which processes
// hold connections, which wait for one, and whether the database is down. The memory is anonymous,
// made before the first child starts and kept across restarts, so that the children of two
// generations count together. Everything in it is atomic and may be used from any process and
// thread; a process that dies at any moment leaves nothing for which others would wait.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bounds.h"
#include "catalog/crashes.h"
#include "demand.h"
#include "log_gate.h"
#include "recent_requests.h"
#include "shared_text.h"
#include "traffic.h"

namespace mirror::httpd {

using SharedClock = std::chrono::steady_clock;  // the same in all processes of a host

// The right to one connection; given back on destruction.
class ConnectionSlot {
 public:
  ConnectionSlot() = default;
  explicit ConnectionSlot(std::atomic<std::int32_t>* holder) : holder_(holder) {}
  ConnectionSlot(ConnectionSlot&& other) noexcept : holder_(other.holder_) {
    other.holder_ = nullptr;
  }
  ConnectionSlot& operator=(ConnectionSlot&&) = delete;
  ~ConnectionSlot() {
    if (holder_ != nullptr) holder_->store(0);
  }
  explicit operator bool() const { return holder_ != nullptr; }

 private:
  std::atomic<std::int32_t>* holder_ = nullptr;
};

class SharedDatabase {
 public:
  static constexpr int kLargeSlots = 32;

  // A slot among the first `limit` ones, also one whose holder is dead; false when all are held.
  ConnectionSlot take_slot(int limit);
  int slots_in_use(int limit) const;
  // The right to read what is large (zsync's sums) over a connection, beside the slot for it; false
  // when `limit` processes' threads do so.
  ConnectionSlot take_large_slot(int limit) { return take(large_holders_, limit); }
  int own_slots(int limit) const;
  // Whether a process that lives holds a slot.
  bool in_use() const;
  // Frees what a dead process of the same number left behind; to be called once by a new process.
  void forget_own_slots();

  // A process that found no slot asks the others for their idle connections for a short time.
  void ask_for_slot(SharedClock::duration moment);
  bool others_ask() const;
  // Whether the one that asks has no connection at all while this process has some.
  bool others_starve(int limit) const;

  // Where to begin with a conninfo of several hosts: at the one that answered last when those
  // before it did not, for some minutes; then the first one gets its chance again.
  std::size_t first_host() const;
  void remember_host(std::size_t host);

  // The circuit breaker. trip and recover return whether they changed its state. outages() counts
  // the trips: a failure of a connection with an earlier count is not a new outage.
  bool down() const { return down_.load(); }
  std::uint32_t outages() const { return outages_.load(); }
  bool trip(SharedClock::duration first_probe_in);
  bool recover() { return down_.exchange(false); }
  // A lookup got its answer: what fails meanwhile is no outage.
  void note_answer();
  SharedClock::time_point answered_at() const;  // the last of all processes' lookups
  bool answered_since(SharedClock::time_point moment) const { return answered_at() >= moment; }
  // What the log was told last: of the outage (forgotten with the next one), of lookups that
  // failed, of no room for connections.
  LogGate outage_log, lookup_log, room_log;
  // True for one process at a time, which then probes: the next one may do so after `lease`, or as
  // postpone_probe says.
  bool claim_probe(SharedClock::duration lease);
  void postpone_probe(SharedClock::duration pause);

 private:
  friend class SharedMemory;
  int slots_of(std::int32_t process, int limit) const;
  std::atomic<std::uint64_t> key_{0};  // of the conninfo; 0: unused
  std::atomic<bool> down_{false};
  std::atomic<std::uint32_t> outages_{0};
  std::atomic<std::int64_t> next_probe_ns_{0};
  std::atomic<std::int64_t> answered_at_ns_{0};
  std::atomic<std::uint32_t> first_host_{0};
  std::atomic<std::int64_t> first_host_until_ns_{0};
  std::atomic<std::int64_t> asked_until_ns_{0};
  std::atomic<std::int32_t> asked_by_{0};    // process id
  using Holder = std::atomic<std::int32_t>;  // a process id; 0: free
  static ConnectionSlot take(std::span<Holder> holders, int limit);
  std::array<Holder, kMaxConnections> holders_{};
  std::array<Holder, kLargeSlots> large_holders_{};
};

// The last fault of one thing that is not yet over, in any process. It ends with the process that
// noted it.
class SharedFault {
 public:
  void set(const std::string& text);  // "": what this process met is over
  std::string text() const;           // one line, cut where it is long; "": there is none

 private:
  static constexpr std::size_t kMostBytes = 511;
  std::atomic<std::int32_t> process_{0};  // 0: there is none
  SharedText<kMostBytes> text_;
};

class SharedMemory {
 public:
  // Changes with the layout: a newer module must not read the memory of an older one.
  static constexpr const char* kName = "mod_mirror shared memory 8";

  // Maps the memory. Throws std::system_error.
  static SharedMemory* create();
  // A record for each of the different conninfos: the one it had before a restart, or one that
  // nobody uses. Throws std::runtime_error when there are not enough.
  std::vector<SharedDatabase*> assign(const std::vector<std::string>& conninfos);
  // By the place in Globals::catalogs.
  LogGate& catalog_log(std::size_t catalog) { return catalog_logs_[catalog]; }
  catalog::CrashCounts& crashes() { return crashes_; }
  RecentRequests& recent_requests() { return recent_requests_; }
  Traffic& traffic() { return traffic_; }
  SharedFault& catalog_fault(std::size_t catalog) { return catalog_faults_[catalog]; }
  DemandSample& demand(std::size_t catalog) { return demand_[catalog]; }

 private:
  SharedDatabase* with_key(std::uint64_t key);

  std::array<SharedDatabase, kMaxDatabases> databases_;
  std::array<LogGate, kMaxCatalogs> catalog_logs_;
  catalog::CrashCounts crashes_;
  std::array<SharedFault, kMaxCatalogs> catalog_faults_;
  std::array<DemandSample, kMaxCatalogs> demand_;
  RecentRequests recent_requests_;
  Traffic traffic_;
};

}  // namespace mirror::httpd
