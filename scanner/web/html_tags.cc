#include "scanner/web/html_tags.h"

#include <algorithm>
#include <cstddef>

namespace mirror::scanner::web {
namespace {

// The parser compares each attribute of a tag with all before it.
constexpr std::size_t kLongestTag = std::size_t{64} << 10;
constexpr std::string_view kBlanks = " \t\r\n";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool begins_name(char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || c == ':'; }

// All positions are in the page; at its end where there is no such place.
class TagReader {
 public:
  explicit TagReader(std::string_view page) : page_(page) {}

  std::string_view fault() {
    while ((at_ = find('<', at_)) < page_.size()) {
      const std::string_view rest = page_.substr(at_);
      const char next = rest.size() > 1 ? rest[1] : '\0';
      if (rest.starts_with("<!--")) {
        if (!skip_comment()) return "has a comment without an end";
      } else if (begins_name(next)) {
        if (!skip_tag()) return "has a tag of more than 64 KB";
        if (!skip_raw_text(rest)) return "has a script or style without an end";
      } else if (next == '/' || next == '!' || next == '?') {
        const std::size_t begin = at_;
        at_ = find('>', at_);
        if (at_ - begin > kLongestTag) return "has a tag of more than 64 KB";
      } else {
        ++at_;
      }
    }
    return "";
  }

 private:
  std::size_t find(char c, std::size_t from) const {
    return std::min(page_.find(c, from), page_.size());
  }

  // It ends with `-->`, or wrongly with `--!>`.
  bool skip_comment() {
    constexpr std::size_t kBegin = 4;  // <!--
    for (std::size_t at = at_ + kBegin; (at = page_.find("--", at)) != page_.npos; ++at) {
      const std::string_view rest = page_.substr(at + 2);
      if (!rest.starts_with('>') && !rest.starts_with("!>")) continue;
      at_ = at + 2;
      return true;
    }
    return false;
  }

  // To its '>', which may also stand in an attribute's value that has quotes.
  bool skip_tag() {
    const std::size_t begin = at_;
    closed_ = false;
    while (at_ < page_.size() && page_[at_] != '>') {
      closed_ = page_[at_] == '/';
      if (page_[at_++] == '=') skip_value();
    }
    return at_ - begin <= kLongestTag;
  }

  void skip_value() {
    at_ = std::min(page_.find_first_not_of(kBlanks, at_), page_.size());
    if (at_ == page_.size()) return;
    const char quote = page_[at_];
    if (quote == '"' || quote == '\'') {
      at_ = std::min(find(quote, at_ + 1) + 1, page_.size());
    } else {
      at_ = std::min(page_.find_first_of(" \t\r\n>", at_), page_.size());
    }
  }

  // Behind the tag of a script or style, at whose text the parser does not look.
  bool skip_raw_text(std::string_view tag) {
    for (const std::string_view name : {"script", "style"}) {
      if (closed_ || !begins_with(tag.substr(1), name)) continue;
      const std::string_view end_of_name = tag.substr(1 + name.size());
      if (end_of_name.find_first_of(" \t\r\n>/") != 0) continue;
      do {
        at_ = page_.find("</", at_);
        if (at_ == page_.npos) return false;
        at_ += 2;
      } while (!begins_with(page_.substr(at_), name));
    }
    return true;
  }

  static bool begins_with(std::string_view text, std::string_view name) {
    return text.size() >= name.size() && std::equal(name.begin(), name.end(), text.begin(),
                                                    [](char a, char b) { return a == lower(b); });
  }

  std::string_view page_;
  std::size_t at_ = 0;
  bool closed_ = false;  // the last tag ended with "/>": it is an element of its own
};

}  // namespace

std::string_view tag_fault(std::string_view page) {
  // The parser takes it for the end.
  if (page.find('\0') != page.npos) return "has a NUL byte";
  return TagReader(page).fault();
}

}  // namespace mirror::scanner::web
