// What a prober remembers of mirrors from one run to the next, so that a program that is started
// every minute knows as much as one that never ends: a row of table probe_memory for each mirror,
// of which the two halves below have one owner each. One thread, one Connection, no transaction.
// Throws Error.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

// How many of a mirror's last files were right (scanner/probe/file_record.h).
struct RememberedFiles {
  int checked = 0;               // of the last 50 checks
  std::uint64_t wrong_bits = 0;  // of these; bit 0: the last one
  std::int64_t right_in_a_row = 0;
  bool content_right = false, impossible_right = false;  // seen since the mirror is wrong
  bool operator==(const RememberedFiles&) const = default;
};

// For which of a mirror's files the content is still to be compared.
struct RememberedWalk {
  std::vector<std::int64_t> spans;      // scanner/probe/content_walk.h
  std::optional<std::int64_t> began_s;  // Unix time; nullopt: never
  std::string listing;                  // fingerprint of the listing after which it began; "": none
  bool operator==(const RememberedWalk&) const = default;
};

std::map<MirrorId, RememberedFiles> read_remembered_files(Connection&);
std::map<MirrorId, RememberedWalk> read_remembered_walks(Connection&);

// A statement or two each, however many there are. Mirrors that are gone are left out.
void remember_files(Connection&, const std::map<MirrorId, RememberedFiles>&);
// The same, but only where the database still has what `known` says, or {} for what that lacks:
// nobody else has changed it since. Returns what it has of the others.
std::map<MirrorId, RememberedFiles> replace_remembered_files(
    Connection&, const std::map<MirrorId, RememberedFiles>& all,
    const std::map<MirrorId, RememberedFiles>& known);
void remember_walks(Connection&, const std::map<MirrorId, RememberedWalk>&);

// The fingerprints of the last good full listings of these mirrors, where they are known.
std::map<MirrorId, std::string> newest_listings(Connection&, const std::vector<MirrorId>&);

}  // namespace mirror::db
