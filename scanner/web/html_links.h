// The links of an HTML page with the text around them, by libxml2's parser, which keeps no tree of
// the page. Internal to scanner/web; any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mirror::scanner::web {

struct HtmlLink {
  std::string href;  // entities decoded, else as it is
  // Of the same line, table row or item: text before the link and behind it, blanks joined.
  // Attributes that scripts sort by take the place of a table cell's text: `data-order="973"` is
  // "973", `<time datetime="…">` is that time.
  std::string before, after;
  int list = -1;  // the innermost of HtmlPage::lists around it; -1: it stands in none
};

// An element in which servers list files: pre, table or ul.
struct HtmlList {
  int around = -1;         // the list in which it stands; -1: none
  bool is_closed = false;  // by an end tag of its own, not by what follows or the end of the page
};

struct HtmlPage {
  std::vector<HtmlList> lists;
  std::string title;
  std::string fault;  // why there may be more than this, as words after "it"; "": this is all
};

// Takes each link when its line, row or item is over, in the page's order: a page may have so many
// that they are not kept. `title`: what was read of it by then. What it throws makes read_html()
// throw std::bad_alloc.
using LinkSink = std::function<void(HtmlLink&&, std::string_view title)>;

// Any bytes: a page that is no HTML has no links. Bytes above ASCII stay as they are. Pages that
// would take very long or much memory have a fault. Throws std::bad_alloc.
HtmlPage read_html(std::string_view page, const LinkSink& sink);

// Characters of text that was taken for Latin-1 back to its bytes; characters above 0xFF, which
// were written as references, to UTF-8.
std::string bytes_of_latin1(std::string_view utf8);
// The other way: each byte becomes a character.
std::string latin1_to_utf8(std::string_view bytes);

}  // namespace mirror::scanner::web
