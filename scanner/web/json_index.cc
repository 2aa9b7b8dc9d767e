#include "scanner/web/json_index.h"

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

class Reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  Reader(std::string_view url, std::vector<PageEntry>& entries) : url_(url), entries_(entries) {}

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
    // A fraction of a second is cut off.
    if (const std::size_t point = members_.time.find('.'); point != std::string::npos)
      members_.time.replace(point, std::string::npos, "Z");
    if (const auto found = find_time(members_.time)) {
      entry.time = found->time;
      entry.time->is_utc = true;
    }
    entries_.push_back(std::move(entry));
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
  std::vector<PageEntry>& entries_;
  Members members_;
  std::string key_;
  int depth_ = 0;
};

}  // namespace

std::optional<std::vector<PageEntry>> read_json_index(std::string_view url, std::string_view body) {
  std::vector<PageEntry> entries;
  Reader reader(url, entries);
  // nginx writes names as they are, whether they are UTF-8 or not.
  const bool whole = nlohmann::json::sax_parse(latin1_to_utf8(body), &reader);
  if (!whole && entries.size() <= kMostEntries) return std::nullopt;
  return entries;
}

}  // namespace mirror::scanner::web
