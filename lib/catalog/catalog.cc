#include "catalog/catalog.h"

#include <algorithm>
#include <cerrno>

#include "catalog/error.h"

namespace mirror::catalog {

void Catalog::use(std::shared_ptr<Environment> environment) {
  const std::lock_guard lock(mutex_);
  environment_.swap(environment);  // what was there is closed without the lock
  unusable_ = false;
}

std::shared_ptr<Environment> Catalog::environment() const {
  const std::lock_guard lock(mutex_);
  return environment_;
}

void Catalog::give_up(const std::shared_ptr<Environment>& damaged) {
  std::shared_ptr<Environment> closed;  // without the lock
  const std::lock_guard lock(mutex_);
  if (environment_ != damaged) return;
  environment_.swap(closed);
  unusable_ = true;
}

bool Catalog::is_foreign() const {
  if (whose_.empty()) return false;
  const std::string writer = directory_.writer();
  return !writer.empty() && writer != whose_;
}

// A file that turns out to be damaged is given up.
template <class Use>
auto Catalog::with(const std::shared_ptr<Environment>& held, Use use) {
  try {
    return use();
  } catch (const Error& error) {
    if (error.corrupt()) give_up(held);
    throw;
  }
}

void Catalog::look_at(const std::shared_ptr<Environment>& held) {
  if (held == nullptr) return;
  with(held, [&] {
    held->check_crashes();
    const Snapshot state(held);
    state->probe();
    as_of_s_ = std::max(directory_.contact_s(), state->meta().as_of_s);
  });
}

std::string Catalog::wanted_file() const {
  if (is_foreign()) return "";
  if (auto named = directory_.current()) return *std::move(named);
  const auto held = environment();
  return held != nullptr ? held->file() : "";  // its writer names it again
}

void Catalog::refresh() {
  const std::string file = wanted_file();
  if (file.empty() || file != opened_) {
    opened_ = file;
    if (file.empty()) return use(nullptr);
    if (const auto held = environment(); held != nullptr && held->file() == file)
      return use(held);  // CURRENT named another one meanwhile, which was none
    try {
      auto next = Environment::open(file, Open::serve, access_);
      Snapshot(next)->meta();  // a file that cannot be read is found out here, and not by a request
      use(std::move(next));
    } catch (const Error& error) {
      const bool damaged = error.corrupt() || error.code() == ENOENT;
      if (!damaged) opened_ = "";  // what hinders may pass
      const std::lock_guard lock(mutex_);
      unusable_ = damaged;
      throw;
    } catch (...) {
      opened_ = "";
      throw;
    }
  }
  look_at(environment());
}

std::optional<Snapshot> Catalog::snapshot() {
  const auto held = environment();
  if (held == nullptr) return std::nullopt;
  return with(held, [&] {
    Snapshot snapshot(held);
    return snapshot->meta().complete ? std::optional(std::move(snapshot)) : std::nullopt;
  });
}

}  // namespace mirror::catalog
