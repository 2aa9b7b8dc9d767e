// What the commands of mb catalog share: which directory is meant, and how it is opened.
#pragma once

#include <memory>
#include <string>
#include "tools/cli/options.h"

#include "catalog/directory.h"
#include "catalog/environment.h"
#include "catalog/reader.h"
#include "tools/mb/context.h"

namespace mirror::mb {

// The folder of the instance's catalog, whether or not it is there.
std::string catalog_path(Context& context);

// `--dir DIR`.
void add_directory_option(cli::Options& app, std::string& given);
// The given one, or else the instance's, or else where the module keeps the catalog of its
// database. Throws Failure when it cannot be looked into.
catalog::Directory choose_directory(Context& context, const std::string& given);

// The file in force; null when there is none. Throws catalog::Error, Failure when this user may not
// read it.
std::shared_ptr<catalog::Environment> open_current(const catalog::Directory& directory);
// The same, complete; throws Failure otherwise.
std::shared_ptr<catalog::Environment> require_current(const catalog::Directory& directory);

// Unix time at which it was known to be the database's state.
std::int64_t as_of_s(const catalog::Directory& directory, const catalog::Meta& meta);

// While it lives, root acts as the owner of the directory: no file there becomes root's, and no
// link there leads root astray.
class AsOwner {
 public:
  explicit AsOwner(const catalog::Directory& directory);  // throws Failure
  ~AsOwner();
  AsOwner(const AsOwner&) = delete;

 private:
  bool changed_ = false;
};

}  // namespace mirror::mb
