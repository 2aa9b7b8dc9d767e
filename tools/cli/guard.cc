#include "tools/cli/guard.h"

#include <fmt/core.h>

#include <cstdio>
#include <exception>

#include "pg/connection.h"
#include "tools/cli/exit_status.h"

namespace mirror::cli {

std::string database_error(std::string_view message) {
  constexpr std::string_view kWho = "database: ";
  while (message.ends_with('\n')) message.remove_suffix(1);
  return fmt::format("{}{}", message.starts_with(kWho) ? "" : kWho, message);
}

int guarded(const char* program, const std::function<int()>& run) noexcept {
  try {
    return run();
  } catch (const db::Error& error) {
    fmt::print(stderr, "{}: {}\n", program, database_error(error.what()));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", program, error.what());
  }
  return kNothingTried;
}

}  // namespace mirror::cli
