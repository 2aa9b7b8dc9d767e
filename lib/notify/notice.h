// Notices: what changed of the mirrors, in words that an operator understands. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mirror::notify {

// An event of the database: a way's health ("https/ipv6"), "standing" or "enabled" changed, or a
// refused or failed "scan" was merged all the same.
struct Change {
  std::int64_t id = 0;
  std::int64_t at_s = 0;  // Unix time
  std::string mirror, what, from, to, why;
};

// "down", "up", "stale", …, "enabled", "disabled", "scan": what filters name; "" for what nobody is
// told: a first check that found all well, and states that are unknown.
std::string state_of(const Change& change);
// mirror a is down for https over IPv6 since 2026-11-29 10:02 UTC: connection refused
std::string sentence(const Change& change);

inline constexpr std::size_t kMostLines = 50;

struct Notice {
  std::string instance;  // "" where there is one alone
  std::string id;        // the same for the same changes to the same target
  std::string subject;   // one line
  std::string text;      // a line for each change, the oldest first; without a newline at its end
  std::vector<Change> changes;  // those of the text
  std::size_t left_out = 0;     // earlier changes, beyond kMostLines
};

// `changes` are not empty, the oldest first.
Notice make_notice(const std::string& instance, const std::string& target,
                   std::vector<Change> changes);
// For tests of a target: says that it is one.
Notice sample_notice(const std::string& instance, const std::string& target, std::int64_t now_s);

// The text without passwords in URLs, and without the values of parameters that are called token,
// key, password, secret or like it.
std::string without_secrets(std::string_view text);

}  // namespace mirror::notify
