// Where lines for the log go: the module hands them to httpd, the tools to standard error.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace mirror {

enum class LogLevel : std::uint8_t { notice, warning, error };
using Log = std::function<void(LogLevel, const std::string&)>;  // from any thread

}  // namespace mirror
