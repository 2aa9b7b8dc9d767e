#include "moving/moved_mirror.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>

#include "core/ascii.h"
#include "core/path.h"
#include "core/url.h"

namespace mirror::moving {
namespace {

constexpr std::size_t kMaxIdentifier = 100;
constexpr std::size_t kMaxShown = 80;  // of a value that is left out

bool is_named(unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_'; }

}  // namespace

std::string code_list(std::string_view text) {
  std::string list, code;
  const auto end_code = [&] {
    if (code.empty()) return;
    list += (list.empty() ? "" : ",") + (code == "UK" ? "GB" : code);
    code.clear();
  };
  for (const char c : text) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalpha(letter) == 0 && c != '*')
      end_code();
    else
      code += static_cast<char>(std::toupper(letter));
  }
  end_code();
  return list;
}

void MovedMirror::set(std::string_view column, std::string_view value) {
  value = without_blanks(value);
  if (!value.empty()) columns.emplace_back(column, value);
}

std::string_view MovedMirror::value(std::string_view column) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const auto& one) { return one.first == column; });
  return found == columns.end() ? std::string_view() : found->second;
}

void MovedMirror::set_url(std::string_view url) {
  url = without_blanks(url);
  if (url.empty()) return;
  for (const auto& [scheme, column] :
       {std::pair("https://", "https_url"), std::pair("http://", "http_url"),
        std::pair("rsync://", "rsync_url"), std::pair("ftp://", "ftp_url")}) {
    if (!url.starts_with(scheme)) continue;
    if (value(column).empty())
      set(column, url);
    else
      leave_out("a further URL", url);
    return;
  }
  leave_out("a URL", url);
}

void MovedMirror::set_place(std::string_view latitude, std::string_view longitude) {
  latitude = without_blanks(latitude);
  longitude = without_blanks(longitude);
  const auto is_zero = [](std::string_view number) {
    return number.find_first_not_of("-0.") == number.npos;
  };
  if (latitude.empty() || longitude.empty() || (is_zero(latitude) && is_zero(longitude))) return;
  set("latitude", latitude);
  set("longitude", longitude);
}

void MovedMirror::leave_out(std::string_view name, std::string_view value) {
  value = without_blanks(value);
  if (value.empty()) return;
  const std::string shown = without_password(value);  // before it is cut: its end may be cut off
  const bool cut = shown.size() > kMaxShown;
  left_out.push_back(
      fmt::format("{}: {}{}", name, printable(shown.substr(0, kMaxShown)), cut ? "…" : ""));
}

std::string identifier_from(std::string_view name_or_url) {
  std::string_view name = without_blanks(name_or_url);
  if (name.find("://") != name.npos) name = url_host(name);
  std::string identifier;
  for (const char c : name) {
    if (is_named(static_cast<unsigned char>(c)))
      identifier += c;
    else if (!identifier.empty() && identifier.back() != '-')
      identifier += '-';
  }
  identifier.resize(std::min(identifier.size(), kMaxIdentifier));
  const std::size_t first = identifier.find_first_not_of(".-_");
  if (first == identifier.npos) return "";
  return identifier.substr(first, identifier.find_last_not_of(".-_") - first + 1);
}

void settle_identifiers(MovedMirrors& moved) {
  std::erase_if(moved.mirrors, [&](const MovedMirror& mirror) {
    if (!mirror.identifier.empty()) return false;
    moved.left_out.emplace_back("a mirror without a name");
    if (!mirror.columns.empty())
      moved.left_out.back() += ": " + printable(mirror.columns.front().second.substr(0, kMaxShown));
    return true;
  });
  std::set<std::string> taken;
  for (const MovedMirror& mirror : moved.mirrors) taken.insert(mirror.identifier);
  std::set<std::string> seen;
  std::map<std::string, int> numbers;
  for (MovedMirror& mirror : moved.mirrors) {
    if (seen.insert(mirror.identifier).second) continue;
    int& number = numbers.try_emplace(mirror.identifier, 1).first->second;
    std::string other;
    do {
      const std::string end = fmt::format("-{}", ++number);
      other = mirror.identifier.substr(0, kMaxIdentifier - end.size()) + end;
    } while (!taken.insert(other).second);
    mirror.identifier = other;
    seen.insert(other);
  }
}

}  // namespace mirror::moving
