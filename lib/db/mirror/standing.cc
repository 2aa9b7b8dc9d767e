#include "db/mirror/standing.h"

#include <algorithm>
#include <array>

#include "core/path.h"

namespace mirror::db {
namespace {

constexpr std::size_t kReasonBytes = 500;  // the column's limit

std::string tidy(std::string_view reason) {
  std::string text = printable(reason);
  if (text.size() <= kReasonBytes) return text;
  std::size_t end = kReasonBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

// In the order of DoubtKind, the worst first; `stale` is older than the other ways to be so.
constexpr std::array<std::string_view, 5> kNames = {"wrong", "returning", "stale", "stamp",
                                                    "files"};

std::string doubt_name(DoubtKind kind) {
  return std::string(kNames[static_cast<std::size_t>(kind)]);
}

// As whoever deletes the mirror does, so that none waits for the other.
void lock_mirror(Connection& connection, MirrorId id) {
  connection.run("SELECT FROM mirror WHERE id = $1 FOR NO KEY UPDATE", Params().int2(id));
}

}  // namespace

Standing standing_of(DoubtKind kind) {
  switch (kind) {
    case DoubtKind::wrong:
      return Standing::wrong;
    case DoubtKind::returning:
      return Standing::returning;
    case DoubtKind::scans:
    case DoubtKind::stamp:
    case DoubtKind::files:
      return Standing::stale;
  }
  return Standing::good;  // there is no other
}

std::optional<DoubtKind> parse_doubt(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<DoubtKind>(i);
  return std::nullopt;
}

bool set_doubt(Connection& connection, MirrorId id, DoubtKind kind, std::string_view reason) {
  const Params params = Params().int2(id).text(doubt_name(kind)).text(tidy(reason));
  const Result known =
      connection.run("SELECT reason = $3 FROM doubt WHERE mirror_id = $1 AND kind = $2", params);
  if (!known.empty() && known.boolean(0, 0)) return false;
  Transaction transaction(connection);
  lock_mirror(connection, id);
  const Result written = connection.run(
      "INSERT INTO doubt (mirror_id, kind, reason) SELECT id, $2, $3 FROM mirror WHERE id = $1 "
      "ON CONFLICT (mirror_id, kind) DO UPDATE SET reason = excluded.reason "
      "RETURNING xmax = 0",
      params);
  transaction.commit();
  return !written.empty() && written.boolean(0, 0);
}

bool clear_doubt(Connection& connection, MirrorId id, DoubtKind kind) {
  const Params params = Params().int2(id).text(doubt_name(kind));
  if (connection.run("SELECT FROM doubt WHERE mirror_id = $1 AND kind = $2", params).empty())
    return false;
  Transaction transaction(connection);
  lock_mirror(connection, id);
  const bool was =
      connection.run("DELETE FROM doubt WHERE mirror_id = $1 AND kind = $2", params).affected() > 0;
  transaction.commit();
  return was;
}

std::vector<Doubt> read_doubts(Connection& connection, MirrorId id) {
  const Result rows = connection.run(
      "SELECT kind, extract(epoch FROM since)::bigint, reason FROM doubt WHERE mirror_id = $1",
      Params().int2(id));
  std::vector<Doubt> doubts;
  for (int row = 0; row < rows.rows(); ++row) {
    const auto kind = parse_doubt(rows.bytes(row, 0));
    if (kind) doubts.push_back({*kind, rows.int8(row, 1), std::string(rows.bytes(row, 2))});
  }
  std::sort(doubts.begin(), doubts.end(),
            [](const Doubt& a, const Doubt& b) { return a.kind < b.kind; });
  return doubts;
}

}  // namespace mirror::db
