#include "scanner/web/json_index.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "scanner/web/href.h"
#include "scanner/web/html_links.h"
#include "scanner/web/listed_values.h"

namespace mirror::scanner::web {
namespace {

// The members of one object, as they come.
struct Members {
  std::string name, url, type, time;
  std::optional<std::int64_t> size;
  std::optional<bool> is_folder;
};

// Of a time in RFC 3339, whose zone may follow.
std::string without_fraction(std::string time) {
  const std::size_t point = time.find('.');
  if (point == std::string::npos) return time;
  const std::size_t end = time.find_first_not_of("0123456789", point + 1);
  return time.erase(point, end == std::string::npos ? end : end - point);
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// JSON whose bytes above ASCII are taken for Latin-1: so an escape of such a character becomes the
// bytes that UTF-8 has for it, each as a character. An input iterator: a copy of the whole text
// would take twice the page's memory.
class TextOfBytes {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TextOfBytes() = default;  // the end
  explicit TextOfBytes(std::string_view json) : rest_(json) { ++*this; }

  const char& operator*() const { return piece_[at_]; }
  TextOfBytes& operator++() {
    if (++at_ < piece_.size()) return *this;
    at_ = 0;
    piece_.clear();
    if (!rest_.empty()) take_piece();
    return *this;
  }
  TextOfBytes operator++(int) {
    TextOfBytes before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TextOfBytes& other) const { return piece_.empty() && other.piece_.empty(); }

 private:
  // One character, or one escape.
  void take_piece() {
    constexpr std::size_t kEscape = 6;  // \u00e9
    const std::string_view escape = rest_.substr(0, kEscape);
    const bool above_ascii = escape.size() == kEscape && escape.starts_with("\\u00") &&
                             escape[4] >= '8' && is_hex(escape[4]) && is_hex(escape[5]);
    std::size_t length = std::min<std::size_t>(escape.starts_with('\\') ? 2 : 1, rest_.size());
    if (above_ascii) {
      length = kEscape;
      const char character =
          static_cast<char>(std::stoi(std::string(escape.substr(4)), nullptr, 16));
      piece_ = latin1_to_utf8(latin1_to_utf8({&character, 1}));
    } else {
      piece_ = latin1_to_utf8(rest_.substr(0, length));
    }
    rest_.remove_prefix(length);
  }

  std::string_view rest_;
  std::string piece_;  // "": the end
  std::size_t at_ = 0;
};

class Reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  Reader(std::string_view url, PageEntries& entries) : url_(url), entries_(entries) {}

  bool null() override { return depth_ > 1; }
  bool boolean(bool value) override {
    if (depth_ == 2 && key_ == "is_dir") members_.is_folder = value;
    return depth_ > 1;
  }
  bool number_integer(number_integer_t value) override { return number(value); }
  bool number_unsigned(number_unsigned_t value) override {
    return value > std::uint64_t{INT64_MAX} || number(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t, const string_t&) override { return depth_ > 1; }
  bool binary(binary_t&) override { return false; }

  bool string(string_t& value) override {
    if (depth_ != 2) return depth_ > 2;
    if (key_ == "name") members_.name = bytes_of_latin1(value);
    if (key_ == "url") members_.url = bytes_of_latin1(value);
    if (key_ == "type") members_.type = value;
    if (key_ == "mtime" || key_ == "mod_time") members_.time = value;
    return true;
  }

  bool start_object(std::size_t) override {
    if (++depth_ == 2) members_ = {};
    return depth_ > 1;
  }
  bool key(string_t& value) override {
    if (depth_ == 2) key_ = value;
    return true;
  }
  bool end_object() override { return depth_-- != 2 || add(); }
  bool start_array(std::size_t) override { return ++depth_ != 2; }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool number(std::int64_t value) {
    if (depth_ == 2 && key_ == "size" && value >= 0) members_.size = value;
    return depth_ > 1;
  }

  bool add() {
    if (members_.name.empty()) return false;
    PageEntry entry;
    entry.is_folder = members_.is_folder.value_or(members_.type == "directory");
    if (!take_name(entry)) return true;
    if (members_.size && !entry.is_folder) entry.size = ListedSize{*members_.size, *members_.size};
    if (const auto found = find_time(without_fraction(members_.time))) entry.time = found->time;
    append(entries_, std::move(entry));
    return entries_.size() <= kMostEntries;
  }

  // Its URL is exact where the name has bytes that JSON cannot have.
  bool take_name(PageEntry& entry) const {
    if (!members_.url.empty()) {
      const std::optional<LinkedName> linked = linked_name(url_, members_.url);
      if (linked) entry.name = linked->name;
      return linked.has_value();
    }
    entry.name = members_.name;
    if (entry.name.ends_with('/')) entry.name.pop_back();
    return !entry.name.empty() && entry.name != "." && entry.name != ".." &&
           entry.name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
  }

  std::string_view url_;
  PageEntries& entries_;
  Members members_;
  std::string key_;
  int depth_ = 0;
};

}  // namespace

std::optional<PageEntries> read_json_index(std::string_view url, std::string_view body) {
  PageEntries entries;
  Reader reader(url, entries);
  // nginx writes names as they are, whether they are UTF-8 or not.
  const bool whole = nlohmann::json::sax_parse(TextOfBytes(body), TextOfBytes(), &reader);
  if (!whole && entries.size() <= kMostEntries) return std::nullopt;
  if (whole) join_same_names(entries);
  return entries;
}

}  // namespace mirror::scanner::web
