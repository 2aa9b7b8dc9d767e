#include "tools/mb/catalog/catalog_choice.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "catalog/crashes.h"
#include "catalog/error.h"
#include "pg/conninfo.h"

namespace mirror::mb {
namespace {

constexpr const char* kWhoMay = "run it as root or as httpd's user";

// In a signal handler: what is not yet written to standard output is lost.
void say_crash(const char* file) {
  for (const char* part :
       {"mb: crashed on ", file,
        ", which is most likely damaged: delete CURRENT beside it, and httpd makes a new ",
        "catalog; without a database, import a catalog again with --force\n"}) {
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  }
  ::_exit(kFailure);
}

// Names may change while httpd puts a new file into use.
std::shared_ptr<catalog::Environment> open_settled(const catalog::Directory& directory) {
  catalog::Access access;
  access.max_bytes = 0;  // as its writer has it
  for (auto file = directory.current();;) {
    if (!file) return nullptr;
    try {
      return catalog::Environment::open(*file, catalog::Open::read, access);
    } catch (const catalog::Error& error) {
      auto next = directory.current();
      if (error.code() != ENOENT || next == file) throw;
      file = std::move(next);
    }
  }
}

}  // namespace

void add_directory_option(cli::Options& app, std::string& given) {
  app.add_option(
         "--dir", given,
         "The catalog's directory (default: the instance's `catalog`, or where httpd keeps it)")
      ->type_name("DIR");
}

std::string catalog_path(Context& context) {
  const std::string& own = context.instance().catalog;
  return own.empty() ? catalog::default_directory(db::database_name(context.instance().database))
                     : own;
}

catalog::Directory choose_directory(Context& context, const std::string& given) {
  const std::string path = given.empty() ? catalog_path(context) : given;
  struct stat found;
  if (::stat(path.c_str(), &found) != 0 && errno == ENOENT) {
    throw Failure(fmt::format(
        "there is no directory {}: httpd makes it when it starts; --dir names another one", path));
  }
  if (::access(path.c_str(), R_OK | X_OK) != 0)
    throw Failure(fmt::format("{}: {}; {}", path, std::strerror(errno), kWhoMay));
  if (!S_ISDIR(found.st_mode)) throw Failure(path + " is not a directory");
  return catalog::Directory(path);
}

std::shared_ptr<catalog::Environment> open_current(const catalog::Directory& directory) {
  catalog::on_crash(say_crash);
  const AsOwner owner(directory);
  try {
    return open_settled(directory);
  } catch (const catalog::Error& error) {
    if (error.code() == EACCES) throw Failure(fmt::format("{}; {}", error.what(), kWhoMay));
    throw;
  }
}

std::shared_ptr<catalog::Environment> require_current(const catalog::Directory& directory) {
  auto environment = open_current(directory);
  if (environment == nullptr) throw Failure("there is no catalog in " + directory.path());
  if (!catalog::Snapshot(environment)->meta().complete)
    throw Failure(environment->file() + " is not complete");
  return environment;
}

std::int64_t as_of_s(const catalog::Directory& directory, const catalog::Meta& meta) {
  return std::max(directory.contact_s(), meta.as_of_s);
}

AsOwner::AsOwner(const catalog::Directory& directory) {
  struct stat found;
  if (::geteuid() != 0 || ::stat(directory.path().c_str(), &found) != 0 || found.st_uid == 0)
    return;
  changed_ = ::setegid(found.st_gid) == 0 && ::seteuid(found.st_uid) == 0;
  if (!changed_)
    throw Failure(
        fmt::format("cannot act as the owner of {}: {}", directory.path(), std::strerror(errno)));
}

AsOwner::~AsOwner() {
  if (changed_ && (::seteuid(0) != 0 || ::setegid(0) != 0)) std::abort();
}

}  // namespace mirror::mb
