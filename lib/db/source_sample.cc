#include "db/source_sample.h"

#include <random>
#include <set>

namespace mirror::db {
namespace {

constexpr const char* kOneFrom =
    "SELECT path, size FROM file WHERE id >= $1 AND kind = 'f' AND size > 0 AND gone_at IS NULL "
    "AND NOT staged AND NOT pending ORDER BY id LIMIT 1";
constexpr const char* kNextName =
    "SELECT path FROM file WHERE path >= $1 AND gone_at IS NULL AND NOT staged ORDER BY path LIMIT "
    "1";

std::vector<SourceFile> random_files(Connection& connection, std::size_t count) {
  const Result ends =
      connection.run("SELECT coalesce(min(id), 0), coalesce(max(id), -1) FROM file");
  const std::int64_t first = ends.int8(0, 0), last = ends.int8(0, 1);
  std::vector<SourceFile> files;
  if (last < first) return files;
  std::mt19937_64 random(std::random_device{}());
  std::uniform_int_distribution<std::int64_t> any(first, last);
  std::set<std::string> known;
  // The first one is from the beginning on, so that there is one if the source has any.
  for (std::size_t tries = 0; tries < 4 * count && files.size() < count; ++tries) {
    const Result row = connection.run(kOneFrom, Params().int8(tries == 0 ? first : any(random)));
    if (row.empty()) continue;
    SourceFile file{std::string(row.bytes(0, 0)), row.int8(0, 1)};
    if (known.insert(file.path).second) files.push_back(std::move(file));
  }
  return files;
}

std::vector<std::string> names_at_top(Connection& connection, std::size_t count) {
  std::vector<std::string> names;
  std::string from;
  while (names.size() < count) {
    const Result row = connection.run(kNextName, Params().bytes(from));
    if (row.empty()) break;
    const std::string path(row.bytes(0, 0));
    const std::string name = path.substr(0, path.find('/'));
    if (names.empty() || names.back() != name) names.push_back(name);
    // Behind all that lies below it.
    from = name.size() < path.size() ? name + char('/' + 1) : path + '\1';
  }
  return names;
}

}  // namespace

SourceSample sample_source(Connection& connection, std::size_t files, std::size_t names) {
  return {random_files(connection, files), names_at_top(connection, names)};
}

}  // namespace mirror::db
