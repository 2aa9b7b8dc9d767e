// mirrorbits: the answers of its command line and of its redis.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <optional>

#include "core/ascii.h"
#include "core/number.h"
#include "core/path.h"
#include "core/url.h"
#include "moving/formats.h"

namespace mirror::moving {
namespace {

constexpr int kMostWeight = 10'000;
constexpr std::size_t kMaxShown = 80;

// The names in its YAML and in redis differ by their case alone, but for these.
std::string key_of(std::string_view name) {
  std::string key = lower(name);
  if (key == "httpurl" || key == "rsyncurl" || key == "ftpurl") key.resize(key.size() - 3);
  return key;
}

using Block = std::map<std::string, std::string, std::less<>>;

std::string_view value_in(const Block& block, std::string_view key) {
  const auto found = block.find(key);
  return found == block.end() ? std::string_view() : std::string_view(found->second);
}

bool is_true(std::string_view value) { return value == "1" || value == "true"; }

// Its score is added to what a mirror would get without one.
void set_weight(std::string_view score, MovedMirror& mirror) {
  const auto number = whole_number<int>(score);
  if (number && *number != 0)
    mirror.set("weight", std::to_string(std::clamp(100 + *number, 1, kMostWeight)));
}

void set_countries(const Block& block, MovedMirror& mirror) {
  const std::string countries = code_list(value_in(block, "countrycodes"));
  const std::size_t comma = countries.find(',');
  mirror.set("country", std::string_view(countries).substr(0, comma));
  if (comma != countries.npos)
    mirror.set("other_countries", std::string_view(countries).substr(comma + 1));
  mirror.set("excluded_countries", code_list(value_in(block, "excludedcountrycodes")));
  mirror.set("region", value_in(block, "continentcode"));
}

std::optional<MovedMirror> mirror_of(const Block& block) {
  MovedMirror mirror;
  const std::string_view web = value_in(block, "http");
  if (web.empty() || web.find("://") != web.npos) {
    mirror.set_url(web);
  } else {  // serves both
    mirror.set_url(fmt::format("http://{}", web));
    mirror.set_url(fmt::format("https://{}", web));
  }
  for (const char* const key : {"rsync", "ftp"}) mirror.set_url(value_in(block, key));
  std::string_view url = mirror.value("https_url");
  if (url.empty()) url = mirror.value("http_url");
  if (url.empty()) return std::nullopt;
  mirror.identifier = identifier_from(value_in(block, "name"));
  if (mirror.identifier.empty()) mirror.identifier = identifier_from(url);
  set_countries(block, mirror);
  set_weight(value_in(block, "score"), mirror);
  mirror.set_place(value_in(block, "latitude"), value_in(block, "longitude"));
  if (value_in(block, "asnum") != "0") mirror.set("asn", value_in(block, "asnum"));
  for (const auto& [key, column] :
       {std::pair("continentonly", "region_only"), std::pair("countryonly", "country_only"),
        std::pair("asonly", "as_only")})
    if (block.contains(key)) mirror.set_flag(column, is_true(value_in(block, key)));
  for (const auto& [key, column] :
       {std::pair("sponsorname", "operator_name"), std::pair("sponsorurl", "operator_url"),
        std::pair("adminname", "admin_name"), std::pair("adminemail", "admin_email"),
        std::pair("comment", "private_comment")})
    mirror.set(column, value_in(block, key));
  if (block.contains("enabled")) mirror.set_flag("enabled", is_true(value_in(block, "enabled")));
  mirror.leave_out("SponsorLogoURL", value_in(block, "sponsorlogo"));
  mirror.leave_out("SponsorLogoURL", value_in(block, "sponsorlogourl"));
  mirror.leave_out("CustomData", value_in(block, "customdata"));
  return mirror;
}

// `1) "Sch\xc3\xb6n \"x\""`, as redis-cli shows it on a terminal; other lines as they are.
std::string without_number(std::string_view line) {
  const std::size_t end = line.find(") \"");
  const bool numbered = end != line.npos && end > 0 && line.ends_with('"') &&
                        line.size() > end + 3 &&
                        line.substr(0, end).find_first_not_of("0123456789") == line.npos;
  if (!numbered) return std::string(line);
  line = line.substr(end + 3, line.size() - end - 4);
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\' || i + 1 == line.size()) {
      text += line[i];
      continue;
    }
    const char c = line[++i];
    const auto byte = c == 'x' ? whole_number<unsigned>(line.substr(i + 1, 2), 16) : std::nullopt;
    if (byte) i += 2;
    text += byte       ? static_cast<char>(*byte)
            : c == 'n' ? '\n'
            : c == 't' ? '\t'
            : c == 'r' ? '\r'
                       : c;
  }
  return text;
}

std::string_view unquoted(std::string_view value) {
  value = without_blanks(value);
  const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                      value.back() == value.front();
  return quoted ? value.substr(1, value.size() - 2) : value;
}

// Blocks in either form, from their lines. Texts that a mirror does not have are empty lines among
// keys and values, so there a block ends where a key comes again; in the form of `show` it ends
// with an empty line, unless that is in the comment, which is last.
class Blocks {
 public:
  void add(std::string_view line) {
    if (is_empty()) {
      if (line.empty() || line.starts_with('#')) return;
      in_turns_ = line.find(':') == line.npos;
    }
    in_turns_ ? add_turn(line) : add_pair(line);
  }
  void end() {
    if (!block_.empty()) done_.push_back(std::exchange(block_, {}));
    in_comment_ = false;
    value_of_.reset();
  }
  bool is_empty() const { return block_.empty() && !value_of_; }
  const std::vector<Block>& done() const { return done_; }

 private:
  void add_turn(std::string_view line) {
    if (value_of_) {
      block_[*std::exchange(value_of_, std::nullopt)] = line;
      return;
    }
    if (line.empty()) return;  // between blocks
    const std::string key = key_of(line);
    if (block_.contains(key)) end();
    value_of_ = key;
  }

  void add_pair(std::string_view line) {
    const std::size_t colon = line.find(':');
    const bool is_pair = colon != line.npos && colon > 0 && line.find_first_of(" /") > colon;
    const std::string key = is_pair ? key_of(line.substr(0, colon)) : "";
    const bool begins = key == "mirror" || key == "name" || key == "http";
    if (in_comment_ && !begins) {
      std::string& comment = block_["comment"];
      comment += (comment.empty() ? "" : "\n") + std::string(line);
      return;
    }
    if (line.empty() || (begins && (in_comment_ || block_.contains(key)))) end();
    if (!is_pair) return;
    in_comment_ = key == "comment";
    block_[key == "mirror" ? "name" : key] = unquoted(line.substr(colon + 1));
  }

  std::vector<Block> done_;
  Block block_;
  bool in_turns_ = false, in_comment_ = false;
  std::optional<std::string> value_of_;
};

// A line of an export: a URL, which a country may precede and an address follow.
std::optional<MovedMirror> exported(std::string_view line) {
  MovedMirror mirror;
  std::string country;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view word = line.substr(0, end);
    line = without_blanks(line.substr(end));
    if (word.find("://") != word.npos)
      mirror.set_url(word);
    else if (word.find('@') != word.npos)
      mirror.set("admin_email", word);
    else if (word.size() == 2 && country.empty())
      country = code_list(word);
    else
      return std::nullopt;
  }
  if (mirror.columns.empty()) return std::nullopt;
  mirror.set("country", country);
  return mirror;
}

bool is_export(std::string_view line) {
  const std::string_view first = line.substr(0, line.find_first_of(" \t"));
  return first.find("://") != first.npos || (first.size() == 2 && line.find("://") != line.npos);
}

// Lines of one host are one mirror.
class Exports {
 public:
  void add(MovedMirror&& mirror) {
    for (const auto& [column, value] : mirror.columns)
      if (mirror.identifier.empty() && column.ends_with("_url"))
        mirror.identifier = identifier_from(value);
    const auto [known, is_new] = by_name_.try_emplace(mirror.identifier, mirrors_.size());
    if (is_new) {
      mirrors_.push_back(std::move(mirror));
      return;
    }
    MovedMirror& first = mirrors_[known->second];
    for (const auto& [column, value] : mirror.columns)
      if (first.value(column).empty()) first.set(column, value);
  }
  std::vector<MovedMirror>& mirrors() { return mirrors_; }

 private:
  std::vector<MovedMirror> mirrors_;
  std::map<std::string, std::size_t> by_name_;
};

}  // namespace

MovedMirrors read_mirrorbits(std::string_view text) {
  MovedMirrors moved;
  Exports exports;
  Blocks blocks;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line = without_number(without_blanks(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line == "---")
      blocks.end();
    else if (!blocks.is_empty() || !is_export(line))
      blocks.add(line);
    else if (auto mirror = exported(line))
      exports.add(std::move(*mirror));
    else
      moved.left_out.push_back(fmt::format("'{}'", printable(line.substr(0, kMaxShown))));
  }
  blocks.end();
  for (const Block& block : blocks.done()) {
    if (auto mirror = mirror_of(block))
      moved.mirrors.push_back(std::move(*mirror));
    else
      moved.left_out.push_back(fmt::format("'{}': has no http or https URL",
                                           printable(block.begin()->second.substr(0, kMaxShown))));
  }
  std::move(exports.mirrors().begin(), exports.mirrors().end(), std::back_inserter(moved.mirrors));
  settle_identifiers(moved);
  return moved;
}

}  // namespace mirror::moving
