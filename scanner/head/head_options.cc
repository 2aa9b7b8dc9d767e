#include "scanner/head/head_options.h"

#include "core/number.h"

namespace mirror::scanner::head {
namespace {

constexpr std::string_view kBudget = "budget=";
constexpr std::int64_t kMostBudget = 100'000'000;

std::optional<std::int64_t> budget_in(std::string_view option) {
  const auto budget = whole_number<std::int64_t>(option.substr(kBudget.size()));
  return budget && *budget >= 1 && *budget <= kMostBudget ? budget : std::nullopt;
}

}  // namespace

Fault head_option_fault(std::string_view option) {
  if (option.starts_with(kBudget))
    return budget_in(option) ? Fault() : Fault("budget must be 1 to 100000000");
  if (option.starts_with("connections=") || option.starts_with("rate="))
    return web::web_option_fault(option);
  return "the options are connections=N, rate=N and budget=N";
}

HeadOptions read_head_options(const std::vector<std::string>& options) {
  HeadOptions read{.web = web::read_web_options(options), .budget = {}};
  for (const std::string& option : options) {
    if (option.starts_with(kBudget)) read.budget = budget_in(option);
  }
  return read;
}

}  // namespace mirror::scanner::head
