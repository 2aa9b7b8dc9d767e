// What the commands of mb share: the chosen instance, its database and its GeoIP databases, each
// opened when first asked for. One per run, in one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/instance.h"
#include "db/mirror/mirrors.h"
#include "geo/geo.h"
#include "pg/connection.h"

namespace mirror::mb {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
// Of `mb status`, whose exit status is that of a monitoring plugin: 2 would mean critical.
inline constexpr int kStatusUnknown = 3;

// A command failed: exit status 1.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// The command line is wrong: exit status 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Context {
 public:
  std::optional<std::string> config_file;    // --config
  std::optional<std::string> instance_name;  // --instance

  const Instance& instance();
  // Connected, with the schema that this program knows; throws db::Error saying what to do
  // otherwise.
  db::Connection& database();
  // A session of its own, whatever the schema, which waits so long for a lock.
  db::Connection new_session(std::chrono::milliseconds lock_patience);
  // Connected, whatever the schema.
  db::Connection& database_of_any_schema();
  // Without configured files it knows nothing of any address. Throws Failure when a file cannot be
  // read.
  const GeoDatabases& geo();

 private:
  std::optional<Instance> instance_;
  std::unique_ptr<db::Connection> connection_;
  bool schema_checked_ = false;
  std::unique_ptr<GeoDatabases> geo_;
};

// A part of a name stands for it if only one mirror's name begins with it, or none does and only
// one contains it. `to_change`: whole names unless somebody sits at standard input, who sees
// which mirror it was: a script's name must not pass to another mirror when its own is deleted.
// `whole`: where a mistake would be grave.
enum class Naming : std::uint8_t { partial, to_change, whole };

// The mirror of that name; throws Failure that names those that may be meant.
db::MirrorRecord require_mirror(Context& context, const std::string& name,
                                Naming naming = Naming::partial);
// The name of the mirror that it stands for; itself if there is none, as of a deleted mirror.
// Throws Failure if it may mean several.
std::string whole_name(Context& context, const std::string& name);
std::vector<db::MirrorRecord> require_mirrors(Context& context,
                                              const std::vector<std::string>& names,
                                              Naming naming = Naming::partial);

}  // namespace mirror::mb
