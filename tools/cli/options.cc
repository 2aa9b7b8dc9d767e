#include "tools/cli/options.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

namespace mirror::cli {

Option* Option::required() {
  option_->required();
  return this;
}

Option* Option::type_name(const std::string& name) {
  option_->type_name(name);
  return this;
}

Option* Option::group(const std::string& heading) {
  option_->group(heading);
  return this;
}

Option* Option::one_of(const std::vector<std::string>& values) {
  option_->check(CLI::IsMember(values));
  return this;
}

Option* Option::between(double least, double most) {
  const std::string range = fmt::format("{} to {}", least, most);
  const auto check = [least, most, range](const std::string& text) {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= least && value <= most)
      return std::string();
    return fmt::format("'{}' is not a number from {}", text, range);
  };
  option_->check(CLI::Validator(check, range));
  return this;
}

Option* Option::separated_by(char delimiter) {
  option_->delimiter(delimiter)->allow_extra_args(false);
  return this;
}

Option* Option::one_word_each() {
  option_->allow_extra_args(false);
  return this;
}

Option* Option::in_bytes() {
  option_->transform(CLI::AsSizeValue(false));
  return this;
}

std::size_t Option::count() const { return option_->count(); }

template <typename Value>
Option* Options::add(const std::string& names, Value& value, const std::string& help) {
  return &options_.emplace_back(*app_->add_option(names, value, help));
}

Option* Options::add_flag(const std::string& names, bool& value, const std::string& help) {
  return &options_.emplace_back(*app_->add_flag(names, value, help));
}

Option* Options::add_option(const std::string& names, std::string& value, const std::string& help) {
  return add(names, value, help);
}

Option* Options::add_option(const std::string& names, std::vector<std::string>& values,
                            const std::string& help) {
  return add(names, values, help);
}

Option* Options::add_option(const std::string& names, std::optional<std::string>& value,
                            const std::string& help) {
  return add(names, value, help);
}

Option* Options::add_option(const std::string& names, std::optional<std::uint32_t>& value,
                            const std::string& help) {
  return add(names, value, help);
}

Option* Options::add_option(const std::string& names, int& value, const std::string& help) {
  return add(names, value, help);
}

Option* Options::add_option(const std::string& names, std::int64_t& value,
                            const std::string& help) {
  return add(names, value, help);
}

Option* Options::add_option(const std::string& names, double& value, const std::string& help) {
  return add(names, value, help);
}

Option* Options::add_option(const std::string& names, std::optional<int>& value,
                            const std::string& help) {
  return add(names, value, help);
}

Option* Options::add_option(const std::string& names, std::optional<std::int64_t>& value,
                            const std::string& help) {
  return add(names, value, help);
}

Option* Options::add_option(const std::string& names, std::optional<double>& value,
                            const std::string& help) {
  return add(names, value, help);
}

void Options::footer(const std::string& text) { app_->footer(text); }

std::vector<std::string> Options::remaining() const { return app_->remaining(); }

}  // namespace mirror::cli
