// mb catalog export and import: catalogs for hosts without a database.
#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>

#include "catalog/crashes.h"
#include "catalog/error.h"
#include "catalog/ship.h"
#include "os/descriptor.h"
#include "tools/mb/catalog/catalog_choice.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string directory, file, region;
  bool force = false;
};

std::string told(const catalog::Meta& meta) {
  const std::string region(region_code(meta.region));
  return fmt::format("revision {} as of {}{}", meta.rev, utc_minute(meta.as_of_s),
                     region.empty() ? "" : ", mirrors for " + region);
}

int run_export(Context& context, const Wanted& wanted) {
  const auto region = wanted.region.empty() ? Region::unknown : parse_region(wanted.region);
  if (!region)
    throw UsageError(
        fmt::format("--region '{}': expected AF, AN, AS, EU, NA, OC or SA", wanted.region));
  const catalog::Directory directory = choose_directory(context, wanted.directory);
  const auto environment = require_current(directory);
  const catalog::InUse in_use(environment->file());  // also while a copy of it is worked on
  const catalog::Meta meta =
      catalog::export_to(*environment, wanted.file, directory.contact_s(), *region);
  say(fmt::format("{}: {}", wanted.file, told(meta)));
  return kSuccess;
}

// Throws Failure that calls it `name`.
catalog::Meta inspect(const std::string& file, const std::string& name) {
  try {
    catalog::Access access;
    access.max_bytes = 0;
    const catalog::Snapshot snapshot(catalog::Environment::open(file, catalog::Open::read, access));
    if (!snapshot->meta().complete) throw Failure(name + " is not complete");
    return snapshot->meta();
  } catch (const catalog::Error& error) {
    throw Failure(fmt::format("{} cannot be used here: {}", name, error.what()));
  }
}

// A usable catalog must not be replaced by an older one unless --force asks for it.
void check_newer(const catalog::Directory& directory, const catalog::Meta& next,
                 const std::string& name) {
  std::int64_t present_s = 0;
  try {
    const auto environment = open_current(directory);
    if (environment != nullptr)
      present_s = as_of_s(directory, catalog::Snapshot(environment)->meta());
  } catch (const catalog::Error&) {
    return;  // a damaged one is to be replaced
  }
  if (next.as_of_s >= present_s) return;
  throw Failure(
      fmt::format("{} is from {}, the catalog in {} is from {}; --force imports it all the same",
                  name, utc_minute(next.as_of_s), directory.path(), utc_minute(present_s)));
}

catalog::WriterLock lock(const catalog::Directory& directory) {
  const std::string writer = directory.writer();
  auto held = directory.try_lock(writer);  // leaves the name of whoever follows a database here
  if (held) return *std::move(held);
  if (writer.empty()) throw Failure("another process writes in " + directory.path());
  throw Failure(
      fmt::format("an httpd keeps the catalog in {} up to date from {}: imports are for hosts "
                  "without MirrorDatabase; to start from an import, stop httpd first",
                  directory.path(), writer));
}

int run_import(Context& context, const Wanted& wanted) {
  const Descriptor in(::open(wanted.file.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0) throw catalog::Error(wanted.file, errno);
  const catalog::Directory directory = choose_directory(context, wanted.directory);
  catalog::Meta meta;
  {
    const AsOwner owner(directory);
    const catalog::WriterLock held = lock(directory);
    const std::string file = directory.unused_file();
    catalog::Unfinished unfinished(file);
    catalog::unpack(in.get(), wanted.file, file);
    meta = inspect(file, wanted.file);
    if (!wanted.force) check_newer(directory, meta, wanted.file);
    directory.forget_contact();
    directory.publish(file);
    unfinished.finish();
  }
  say(fmt::format("{}: {}; httpd uses it for redirects within a second", directory.path(),
                  told(meta)));
  return kSuccess;
}

}  // namespace

Action setup_catalog_export(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("file", wanted->file, "The file to write; an existing file is replaced")
      ->required()
      ->type_name("FILE");
  add_directory_option(app, wanted->directory);
  app.add_option("--region", wanted->region,
                 "Only with mirrors for this region: AF, AN, AS, EU, NA, OC or SA")
      ->type_name("REGION");
  return [&context, wanted] { return run_export(context, *wanted); };
}

Action setup_catalog_import(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("file", wanted->file, "What `mb catalog export` wrote")
      ->required()
      ->type_name("FILE");
  add_directory_option(app, wanted->directory);
  app.add_flag("--force", wanted->force, "Import it even if it is older than the present catalog");
  return [&context, wanted] { return run_import(context, *wanted); };
}

}  // namespace mirror::mb
