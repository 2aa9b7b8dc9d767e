#include "notify/notice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "core/ascii.h"
#include "core/path.h"
#include "core/readable.h"

namespace mirror::notify {
namespace {

// "https over IPv6"
std::string way_text(std::string_view what) {
  const std::size_t slash = what.find('/');
  const std::string_view family = what.substr(slash + 1);
  return fmt::format("{} over {}", what.substr(0, slash),
                     family == "ipv6"   ? "IPv6"
                     : family == "ipv4" ? "IPv4"
                                        : family);
}

bool of_switch(const Change& change) { return change.what == "enabled"; }
bool of_standing(const Change& change) { return change.what == "standing"; }

bool of_way(const Change& change) { return change.what.find('/') != change.what.npos; }
bool of_scan(const Change& change) { return change.what == "scan"; }

bool of_all(const Change& change) { return change.what == "redirects"; }

// "mirror a", or what is no mirror's alone.
std::string whose(const Change& change) {
  return of_all(change) ? "redirects" : "mirror " + change.mirror;
}

// Also of what a later version writes.
std::string what_became(const Change& change) {
  if (of_switch(change)) return change.to == "yes" ? "is enabled" : "is disabled";
  if (of_standing(change)) return change.to == "good" ? "is good again" : "is " + change.to;
  if (of_all(change)) return change.to == "paused" ? "are paused" : "are no longer paused";
  if (of_scan(change))
    return fmt::format("was believed although its scan was {}", printable(change.from));
  if (!of_way(change))
    return fmt::format("has another {}: {}", printable(change.what), printable(change.to));
  return fmt::format("is {} for {}", change.to == "up" ? "up again" : change.to,
                     way_text(change.what));
}

// What lasts has begun, and a scan is over.
std::string when(const Change& change) {
  return (of_way(change) || of_standing(change) || of_switch(change) || of_all(change) ? "since "
                                                                                       : "at ") +
         utc_minute(change.at_s);
}

std::string subject_of(const std::vector<Change>& changes) {
  if (changes.size() == 1) return whose(changes[0]) + " " + what_became(changes[0]);
  const auto all = std::find_if(changes.rbegin(), changes.rend(), of_all);
  if (all != changes.rend())
    return fmt::format("redirects {}, and {} more change{}", what_became(*all), changes.size() - 1,
                       changes.size() == 2 ? "" : "s");
  std::vector<std::string> names;
  for (const Change& change : changes) {
    if (std::find(names.begin(), names.end(), change.mirror) == names.end())
      names.push_back(change.mirror);
  }
  std::string listed;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 5); ++i)
    listed += (i > 0 ? ", " : "") + names[i];
  if (names.size() > 5) listed += fmt::format(" and {} more", names.size() - 5);
  return fmt::format("{} changes of {} mirror{}: {}", changes.size(), names.size(),
                     names.size() == 1 ? "" : "s", listed);
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

// Behind "://", up to the last '@' before the host ends.
void cut_passwords(std::string& text) {
  for (std::size_t at = 0; (at = text.find("://", at)) != text.npos;) {
    at += 3;
    const std::size_t end = std::min(text.find_first_of("/?# '\"", at), text.size());
    const std::size_t sign = text.substr(at, end - at).rfind('@');
    if (sign != std::string::npos) text.replace(at, sign, "***");
  }
}

bool names_a_secret(std::string name) {
  name = lower(name);
  for (const char* part : {"token", "key", "password", "passwd", "secret", "auth", "signature"}) {
    if (name.find(part) != std::string::npos) return true;
  }
  return name == "sig" || name == "pw";
}

void cut_parameters(std::string& text) {
  for (std::size_t at = 0; (at = text.find('=', at)) != text.npos; ++at) {
    std::size_t begin = at;
    while (begin > 0 && is_word(text[begin - 1])) --begin;
    if (!names_a_secret(text.substr(begin, at - begin))) continue;
    const std::size_t end = std::min(text.find_first_of("&;# '\"", at + 1), text.size());
    text.replace(at + 1, end - at - 1, "***");
  }
}

}  // namespace

std::string state_of(const Change& change) {
  if (of_switch(change)) return change.to == "yes" ? "enabled" : "disabled";
  if (of_scan(change)) return "scan";
  if (of_all(change)) return change.to == "paused" ? "paused" : "resumed";
  if (change.to == "unknown" || (change.from == "unknown" && change.to == "up")) return "";
  return change.to;
}

std::string sentence(const Change& change) {
  const std::string why = without_secrets(printable(change.why));
  return fmt::format("{} {} {}{}", whose(change), what_became(change), when(change),
                     why.empty() ? "" : ": " + why);
}

Notice make_notice(const std::string& instance, const std::string& target,
                   std::vector<Change> changes) {
  Notice notice;
  notice.instance = instance;
  notice.id = fmt::format("{}-{}-{}", target, changes.front().id, changes.back().id);
  notice.subject = subject_of(changes);
  if (!instance.empty()) notice.subject = fmt::format("[{}] {}", instance, notice.subject);
  if (changes.size() > kMostLines) {
    notice.left_out = changes.size() - kMostLines;
    changes.erase(changes.begin(), changes.end() - static_cast<std::ptrdiff_t>(kMostLines));
    notice.text = fmt::format("{} earlier changes are not listed here; `mb events` shows them",
                              notice.left_out);
  }
  for (const Change& change : changes)
    notice.text += (notice.text.empty() ? "" : "\n") + sentence(change);
  notice.changes = std::move(changes);
  return notice;
}

Notice sample_notice(const std::string& instance, const std::string& target, std::int64_t now_s) {
  Notice notice = make_notice(
      instance, target,
      {{0, now_s, "example", "https/ipv6", "up", "down", "this is a test, nothing is wrong"}});
  notice.id = fmt::format("{}-test-{}", target, now_s);
  notice.subject = "Test: " + notice.subject;
  return notice;
}

std::string without_secrets(std::string_view text) {
  std::string cut(text);
  cut_passwords(cut);
  cut_parameters(cut);
  return cut;
}

}  // namespace mirror::notify
