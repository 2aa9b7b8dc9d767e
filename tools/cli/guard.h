// The outermost function of a program that works on the database: it turns an exception into one
// line and an exit status.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace mirror::cli {

// Says once that it is the database's, without newlines at the end.
std::string database_error(std::string_view message);

// Runs it, and returns its exit status; kNothingTried for whatever it throws, told as
// "PROGRAM: what". Never throws.
int guarded(const char* program, const std::function<int()>& run) noexcept;

}  // namespace mirror::cli
