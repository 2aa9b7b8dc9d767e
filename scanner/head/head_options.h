// The options of a mirror's head endpoint: NAME=VALUE. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scanner/list/target.h"
#include "scanner/web/web_options.h"

namespace mirror::scanner::head {

struct HeadOptions {
  web::WebOptions web;                 // connections and rate
  std::optional<std::int64_t> budget;  // files in one scan; nullopt: head_budget of mb.toml
  bool complete = false;               // the mirror has everything by definition
  std::int64_t sample = 200;           // files that such a mirror is judged by; within the budget
};

// What is wrong with one option.
Fault head_option_fault(std::string_view option);
// Of options without fault.
HeadOptions read_head_options(const std::vector<std::string>& options);

}  // namespace mirror::scanner::head
