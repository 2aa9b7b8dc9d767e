// Threads that share what mod_mirror's threads share, under ThreadSanitizer: requests read catalogs
// while they are written, replaced, damaged and opened anew; processes share slots and a circuit
// breaker. What readers see is checked.
#include <ap_mpm.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <latch>
#include <mutex>

#include "catalog/catalog.h"
#include "catalog/error.h"
#include "mod_mirror/catalog_keeper.h"
#include "mod_mirror/shared.h"
#include "t/race/catalog_writer.h"

namespace mirror::race {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kReaders = 6;
std::atomic<bool> leaving{false};  // what httpd says of this child

// The first thing that went wrong ends everything.
[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "races: %s\n", what.c_str());
  std::_Exit(1);
}

void expect(const std::string& wrong) {
  if (!wrong.empty()) fail(wrong);
}

class Folder {
 public:
  Folder() {
    for (const char* where : {"/dev/shm", "/tmp"}) {  // more happens where nothing waits for a disk
      path = std::string(where) + "/mirror-races-XXXXXX";
      if (mkdtemp(path.data()) != nullptr) return;
    }
    fail("no folder can be made");
  }
  Folder(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

// Threads that do the same until they are told to stop, by their destruction.
class Crowd {
 public:
  using Body = std::function<void(std::minstd_rand&)>;  // once
  Crowd(int threads, Body body) : begun_(threads) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, body, i] {
        std::minstd_rand random(static_cast<unsigned>(i) + 1);
        begun_.count_down();
        while (!stop_) body(random);
      });
    }
    begun_.wait();
  }
  Crowd(const Crowd&) = delete;
  ~Crowd() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::latch begun_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

std::string any_path(std::minstd_rand& random) {
  const int file = static_cast<int>(random() % (kFiles + 1));
  return file == kFiles ? kLink : path_of(file);
}

bool must_be_there(const std::string& path) { return path == kLink || path < path_of(kStaying); }

void read_once(catalog::Catalog& catalog, std::minstd_rand& random, std::atomic<long>& reads) {
  try {
    const auto snapshot = catalog.snapshot();
    if (!snapshot) return;
    catalog::Reader& reader = **snapshot;
    if (random() % 16 == 0) expect(wrong_state(reader));
    for (auto i = random() % 4; i > 0; --i) {
      const std::string path = any_path(random);
      const HashParts parts = random() % 2 ? HashParts::all : HashParts::redirect;
      const catalog::CatalogFile found = reader.find(path, kNow, parts);
      if (found.found == Found::file) {
        expect(wrong_file(reader.meta(), *reader.mirrors(), found, parts));
      } else if (must_be_there(path)) {
        fail(path + " is missing");
      }
    }
    if (random() % 64 == 0)
      std::this_thread::sleep_for(milliseconds(2));  // the state stays while files are replaced
    ++reads;
  } catch (const catalog::Error& error) {
    if (!error.corrupt()) throw;
  }
}

// A file that is not a catalog is named, or the one in force is damaged: what comes next is served
// in any case.
void replace(CatalogWriter& writer, catalog::Catalog& catalog) {
  const auto environment = catalog.environment();
  const int fault = writer.roll(4);
  if (fault == 0) {
    writer.publish_garbage();
    try {
      catalog.refresh();
      fail("garbage is taken for a catalog");
    } catch (const catalog::Error& error) {
      if (!error.corrupt() || !catalog.unusable()) fail(error.what());
    }
  } else if (fault == 1 && environment != nullptr) {
    CatalogWriter::damage(*environment);
    std::this_thread::sleep_for(milliseconds(writer.roll(2)));
  }
  writer.publish_next();
  catalog.refresh();
  std::this_thread::sleep_for(milliseconds(1));  // a request may have the damaged one in its hands
  if (catalog.unusable() || !catalog.snapshot()) fail("a new file is not served");
}

// Requests and the writer's thread on one Catalog; the writer is the one that refreshes, as a Feed
// is.
void read_while_it_changes(Clock::time_point end) {
  Folder folder;
  catalog::Catalog catalog(catalog::Directory(folder.path), kAccess);
  CatalogWriter writer{catalog::Directory(folder.path)};
  std::atomic<long> reads{0}, changes{0};
  {
    Crowd readers(kReaders, [&](std::minstd_rand& random) { read_once(catalog, random, reads); });
    for (int round = 0; round < 100 && Clock::now() < end; ++round) {
      replace(writer, catalog);
      for (int i = writer.roll(20); i > 0; --i, ++changes) {
        writer.change(*catalog.environment());
        catalog.refresh();
      }
      catalog.environment()->free_stale_readers();
      catalog.environment()->size();
    }
  }
  std::printf("catalog: %ld reads, %ld changes, %ld files in turn\n", reads.load(), changes.load(),
              static_cast<long>(writer.generation()));
  if (reads == 0 || changes == 0) fail("nobody did anything");
}

void look_up_once(httpd::CatalogKeeper& keeper, std::minstd_rand& random,
                  std::atomic<long>& reads) {
  const std::string path = any_path(random);
  const HashParts parts = random() % 2 ? HashParts::all : HashParts::redirect;
  const auto lookup = keeper.find(path, kNow, parts);
  if (random() % 32 == 0) std::this_thread::sleep_for(milliseconds(2));
  keeper.as_of_s();
  if (!lookup) return;
  if (lookup->found == Found::file) {
    catalog::CatalogFile found;
    found.file = lookup->file, found.hashes = lookup->hashes;
    expect(wrong_file((*lookup->snapshot)->meta(), *lookup->mirrors, found, parts));
  } else if (must_be_there(path)) {
    fail(path + " is missing");
  }
  ++reads;
}

// As child.cc uses keepers: each looks after its catalog by a thread of its own, and ends while
// requests still come in. The writer plays a process of another host's feed, so the keepers have no
// database.
void keepers_come_and_go(Clock::time_point end) {
  Folder folder;
  CatalogWriter writer{catalog::Directory(folder.path)};
  writer.publish_next();
  std::mutex mutex;
  std::vector<std::string> lines;
  const Log log = [&](LogLevel, const std::string& line) {
    const std::lock_guard lock(mutex);
    lines.push_back(line);
  };
  httpd::SharedFault fault;
  std::atomic<long> reads{0};
  long changes = 0, keepers = 0;
  for (; keepers < 10 && Clock::now() < end; ++keepers) {
    httpd::CatalogKeeper keeper(folder.path, kAccess, FeedOptions(), fault, log);
    keeper.start();
    Crowd readers(kReaders, [&](std::minstd_rand& random) { look_up_once(keeper, random, reads); });
    std::string current = catalog::Directory(folder.path).current().value_or("");
    for (const auto until = Clock::now() + milliseconds(400); Clock::now() < until; ++changes) {
      leaving = writer.roll(4) == 0;
      const auto environment = keeper.catalog().environment();
      if (environment == nullptr || environment->file() != current) {
        std::this_thread::sleep_for(milliseconds(5));
      } else if (writer.roll(8) == 0) {
        current = writer.publish_next();
      } else {
        writer.change(*environment);
      }
    }
    keeper.ask_to_stop();
    if (!keeper.join_by(Clock::now() + std::chrono::seconds(20)))
      fail("a keeper's thread does not end");
  }
  std::printf("keeper: %ld reads, %ld changes, %ld keepers\n", reads.load(), changes, keepers);
  if (reads == 0 || !lines.empty()) fail(lines.empty() ? "nobody read anything" : lines.front());
}

// What the children of one httpd share, here by threads of one process.
void slots_are_never_too_many(Clock::time_point end) {
  constexpr int kLimit = 3;
  httpd::SharedMemory& memory = *httpd::SharedMemory::create();
  httpd::SharedDatabase& database = *memory.assign({"dbname=x"}).front();
  std::atomic<int> held{0};
  std::atomic<long> taken{0}, trips{0}, recoveries{0}, news{0};
  const auto body = [&](std::minstd_rand& random) {
    if (const httpd::ConnectionSlot slot = database.take_slot(kLimit)) {
      if (++held > kLimit) fail("more slots than there may be");
      ++taken;
      if (random() % 8 == 0) std::this_thread::yield();
      --held;
    } else {
      database.ask_for_slot(milliseconds(1));
    }
    if (random() % 8 == 0) trips += database.trip(milliseconds(0));
    if (database.outage_log.opens("reason " + std::to_string(random() % 3))) ++news;
    if (database.down() && database.claim_probe(std::chrono::hours(1))) {
      recoveries += database.recover();
      database.postpone_probe(milliseconds(0));
    }
    database.remember_host(random() % 3);
    if (database.first_host() > 2) fail("a host that nobody remembered");
    if (database.slots_in_use(kLimit) > kLimit) fail("slots in use that there are not");
    database.others_starve(kLimit);
    memory.catalog_log(0).opens("line " + std::to_string(random() % 3));
    memory.catalog_fault(0).set(
        random() % 4 == 0 ? "" : std::string(20, static_cast<char>('a' + random() % 3)));
    const std::string fault = memory.catalog_fault(0).text();
    if (fault.find_first_not_of(fault[0]) != std::string::npos)
      fail("a fault that nobody met: " + fault);
  };
  {
    const Crowd crowd(kReaders, body);
    while (Clock::now() < end) std::this_thread::sleep_for(milliseconds(10));
  }
  std::printf("shared: %ld slots, %ld trips, %ld recoveries\n", taken.load(), trips.load(),
              recoveries.load());
  if (trips != static_cast<long>(database.outages())) fail("trips are not counted");
  if (trips - recoveries != (database.down() ? 1 : 0)) fail("an outage began or ended twice");
  if (database.slots_in_use(kLimit) != 0) fail("slots that nobody gave back");
}

int run(milliseconds each) {
  slots_are_never_too_many(Clock::now() + each / 4);
  read_while_it_changes(Clock::now() + each);
  keepers_come_and_go(Clock::now() + each);
  return 0;
}

}  // namespace
}  // namespace mirror::race

// What the module's files would log by.
module_struct mirror_module = {};

// Instead of httpd's: the child is told at random that it only finishes its requests.
extern "C" apr_status_t ap_mpm_query(int, int* result) {
  *result = mirror::race::leaving ? AP_MPMQ_STOPPING : AP_MPMQ_RUNNING;
  return APR_SUCCESS;
}

int main(int count, char** arguments) {
  return mirror::race::run(std::chrono::seconds(count > 1 ? std::atoi(arguments[1]) : 3));
}
