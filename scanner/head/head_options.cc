#include "scanner/head/head_options.h"

#include "core/number.h"
#include "db/mirror/endpoints.h"

namespace mirror::scanner::head {
namespace {

constexpr std::string_view kBudget = "budget=";
constexpr std::string_view kSample = "sample=";
constexpr std::int64_t kMostBudget = 100'000'000;
constexpr std::int64_t kLeastSample = 20, kMostSample = 100'000;

std::optional<std::int64_t> number_in(std::string_view value, std::int64_t least,
                                      std::int64_t most) {
  const auto number = whole_number<std::int64_t>(value);
  return number && *number >= least && *number <= most ? number : std::nullopt;
}

std::optional<std::int64_t> budget_in(std::string_view option) {
  return number_in(option.substr(kBudget.size()), 1, kMostBudget);
}

std::optional<std::int64_t> sample_in(std::string_view option) {
  return number_in(option.substr(kSample.size()), kLeastSample, kMostSample);
}

}  // namespace

Fault head_option_fault(std::string_view option) {
  if (option.starts_with(kBudget))
    return budget_in(option) ? Fault() : Fault("budget must be 1 to 100000000");
  if (option.starts_with(kSample))
    return sample_in(option) ? Fault() : Fault("sample must be 20 to 100000");
  if (option == db::kComplete) return std::nullopt;
  if (option.starts_with("connections=") || option.starts_with("rate="))
    return web::web_option_fault(option);
  return "the options are connections=N, rate=N, budget=N and sample=N";
}

HeadOptions read_head_options(const std::vector<std::string>& options) {
  HeadOptions read;
  read.web = web::read_web_options(options);
  for (const std::string& option : options) {
    if (option.starts_with(kBudget)) read.budget = budget_in(option);
    if (option.starts_with(kSample)) read.sample = sample_in(option).value_or(read.sample);
    if (option == db::kComplete) read.complete = true;
  }
  return read;
}

}  // namespace mirror::scanner::head
