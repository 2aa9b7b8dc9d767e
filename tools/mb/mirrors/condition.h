// The conditions of --where: which mirrors a command is for. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "db/mirror/mirrors.h"

namespace mirror::mb {

inline constexpr const char* kConditionHelp =
    "Mirrors for which this holds, instead of names: KEY=VALUE or KEY!=VALUE; several must all "
    "hold. KEY: name (a pattern: *.example.org), country, region, as, standing, scheme, method or "
    "a column. country=DE,AT means one of both";

class Condition {
 public:
  // KEY=VALUE[,VALUE…] or KEY!=VALUE[,VALUE…]. Throws UsageError that says what is possible.
  explicit Condition(std::string_view text);
  bool holds_for(const db::MirrorRecord& record) const;

 private:
  std::function<bool(const db::MirrorRecord&, const std::string& value)> has_;
  std::vector<std::string> values_;
  bool negated_ = false;
};

}  // namespace mirror::mb
