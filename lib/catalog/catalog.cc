#include "catalog/catalog.h"

#include <algorithm>
#include <cerrno>

#include "catalog/error.h"

namespace mirror::catalog {

void Catalog::use(std::shared_ptr<Environment> environment) {
  const std::lock_guard lock(mutex_);
  environment_.swap(environment);
}

std::shared_ptr<Environment> Catalog::environment() const {
  const std::lock_guard lock(mutex_);
  return environment_;
}

void Catalog::close() {
  use(nullptr);
  opened_.clear();
  unusable_ = false;
}

void Catalog::refresh() {
  const std::string file = directory_.current().value_or("");
  if (file != opened_) {
    opened_ = file;
    unusable_ = false;
    if (file.empty()) return use(nullptr);
    try {
      auto next = Environment::open(file, Open::serve, access_);
      Snapshot(next)->meta();  // a file that cannot be read is found out here, and not by a request
      use(std::move(next));
    } catch (const Error& error) {
      unusable_ = error.corrupt() || error.code() == ENOENT;
      if (!unusable_) opened_ = "";  // what hinders may pass
      throw;
    }
  }
  if (auto held = environment()) as_of_s_ = std::max(directory_.contact_s(), read(std::move(held))->meta().as_of_s);
}

std::optional<Snapshot> Catalog::snapshot() {
  auto held = environment();
  if (held == nullptr) return std::nullopt;
  auto snapshot = read(std::move(held));
  if (!snapshot->meta().complete) return std::nullopt;
  return snapshot;
}

Snapshot Catalog::read(std::shared_ptr<Environment> environment) {
  try {
    return Snapshot(std::move(environment));
  } catch (const Error& error) {
    if (error.corrupt()) {
      unusable_ = true;
      use(nullptr);
    }
    throw;
  }
}

}  // namespace mirror::catalog
