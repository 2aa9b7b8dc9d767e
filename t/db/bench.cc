// Measures merges on a tree of FILES files: t/with-postgres t/db/bench FILES. Not part of the suite: `make t/db/bench` builds it.
#include <fmt/format.h>

#include <cstdlib>

#include "t/db/database.h"

namespace mirror::db::test {
namespace {

// Paths as long as Debian's archive has them.
std::string path_of(int i) { return fmt::format("pool/main/{}/package-{:05}/package-{:05}_1.0-{}_amd64.deb", i % 26, i / 40, i / 40, i); }

template <typename Run>
void measure(const char* what, Run run) {
  const auto start = Clock::now();
  const MergeReport report = run();
  fmt::print("{:34} {:7.2f} s, lock {:6.3f} s, gained {}, lost {}\n", what,
             std::chrono::duration<double>(Clock::now() - start).count(), report.lock_seconds, report.counts.gained,
             report.counts.lost);
}

// Every file but those whose number is 0 modulo `without` (0: all).
MergeReport scan(Connection& connection, const char* mirror, int count, int without) {
  MirrorScan listing(connection, find_mirror(connection, mirror).value(), "rsync", "", Precision::second);
  for (int i = 0; i < count; ++i) {
    if (without == 0 || i % without != 0) listing.add(path_of(i), i, 1000);
  }
  return listing.merge({});
}

void run(int count) {
  TestDatabase database;
  Connection connection = database.connect();
  for (const char* name : {"one", "two", "three"}) add_mirror(connection, name);
  const auto source = [&] {
    SourceScan listing(connection, "local");
    for (int i = 0; i < count; ++i) listing.add(path_of(i), EntryKind::file, i, 1000, false);
    return listing.merge({});
  };
  measure("source, first", source);
  fmt::print("bytes per file, with indexes: {}\n", value(connection, "SELECT pg_total_relation_size('file') / (SELECT count(*) FROM file)"));
  measure("source, unchanged", source);
  measure("mirror one, complete", [&] { return scan(connection, "one", count, 0); });
  measure("mirror one, unchanged", [&] { return scan(connection, "one", count, 0); });
  measure("mirror two, lacks 1 %", [&] { return scan(connection, "two", count, 100); });
  measure("mirror one, loses 1 %", [&] { return scan(connection, "one", count, 99); });
  measure("mirror three, a third less", [&] { return scan(connection, "three", count, 3); });
  measure("mirror three, unchanged", [&] { return scan(connection, "three", count, 3); });
  fmt::print("{} cohorts; {}\n", value(connection, "SELECT count(*) FROM cohort"), inconsistency(connection));
}

}  // namespace
}  // namespace mirror::db::test

int main(int argc, char** argv) { mirror::db::test::run(argc > 1 ? std::atoi(argv[1]) : 63000); }
