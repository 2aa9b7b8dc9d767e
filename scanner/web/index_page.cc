#include "scanner/web/index_page.h"

#include <algorithm>
#include <optional>

#include "core/ascii.h"
#include "scanner/web/href.h"
#include "scanner/web/html_links.h"
#include "scanner/web/json_index.h"
#include "scanner/web/listed_values.h"

namespace mirror::scanner::web {
namespace {

enum class Details : std::uint8_t { none, before_link, after_link };

// How one kind of server shows a folder. The first row fits whose title begins so and whose marks
// are all on the page.
struct Shape {
  std::string_view name;
  std::string_view title;     // its beginning; "": any
  std::string_view marks[2];  // in the page's bytes; "": none
  Details details;            // where time and size stand
  Rounding rounding;
};
constexpr Shape kShapes[] = {
    {"lighttpd",
     "Index of ",
     {"summary=\"Directory Listing\"", "<td class=\"m\">"},
     Details::after_link,
     Rounding::lighttpd},
    {"Caddy", "", {"<time datetime=\"", "data-order=\""}, Details::after_link, Rounding::unknown},
    {"Caddy", "", {"<time datetime=\"", "class=\"size\""}, Details::after_link, Rounding::unknown},
    {"h5ai", "", {"larsjung.de/h5ai", "fallback"}, Details::after_link, Rounding::unknown},
    {"Artifactory", "Index of ", {"<pre>", "Artifactory"}, Details::after_link, Rounding::unknown},
    {"Nexus",
     "Index of ",
     {"<th>Last Modified</th>", "<th>Size</th>"},
     Details::after_link,
     Rounding::unknown},
    // Hosts give it titles of their own.
    {"nginx fancyindex",
     "",
     {"<table id=\"list\"", "<a href=\"?C=N&amp;O=A\">File Name</a>"},
     Details::after_link,
     Rounding::fancyindex},
    {"Apache", "Index of ", {"<a href=\"?C=", ""}, Details::after_link, Rounding::apache},
    {"Apache", "Index of ", {"<A HREF=\"?N=", ""}, Details::after_link, Rounding::apache},
    {"Apache without columns",
     "Index of ",
     {"<h1>Index of ", "<ul><li><a href=\""},
     Details::none,
     Rounding::unknown},
    {"nginx", "Index of ", {"<hr><pre><a href=\"../\">", ""}, Details::after_link, Rounding::nginx},
    {"Apache", "Index of ", {"<h1>Index of ", "<pre>"}, Details::after_link, Rounding::apache},
    {"Apache", "Index of ", {"<h1>Index of ", "<table>"}, Details::after_link, Rounding::apache},
    {"Apache without columns",
     "Index of ",
     {"<h1>Index of ", "<ul>"},
     Details::none,
     Rounding::unknown},
    {"Python", "Directory listing for ", {"<ul>", ""}, Details::none, Rounding::unknown},
    {"IIS", "", {"<hr>\r\n\r\n<pre>", "<A HREF=\""}, Details::before_link, Rounding::unknown},
    {"IIS", "", {"<hr>", "[To Parent Directory]</A>"}, Details::before_link, Rounding::unknown},
};

bool shows(std::string_view page, std::string_view mark) {
  return mark.empty() || page.find(mark) != page.npos;
}

const Shape* shape_of(std::string_view page, std::string_view title) {
  const auto* const found =
      std::find_if(std::begin(kShapes), std::end(kShapes), [&](const Shape& shape) {
        return title.starts_with(shape.title) && shows(page, shape.marks[0]) &&
               shows(page, shape.marks[1]);
      });
  return found == std::end(kShapes) ? nullptr : found;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == text.npos ? std::string_view() : text.substr(begin);
}

// Caddy and fancyindex have the size first, all others the time.
void take_details(std::string_view text, const Shape& shape, PageEntry& entry) {
  const std::optional<FoundTime> time = find_time(text);
  if (!time) return;
  entry.time = time->time;
  entry.time->likely_utc = shape.rounding == Rounding::nginx;
  if (entry.is_folder) return;
  entry.size = read_size(trimmed(text.substr(time->end)), shape.rounding);
  if (!entry.size) entry.size = read_size(trimmed(text.substr(0, time->begin)), shape.rounding);
}

// What the links of a page are, one after the other.
class Links {
 public:
  Links(std::string_view url, std::string_view body) : url_(url), body_(body) {}

  PageEntries entries;  // each name once, after read()
  int last_list = -1;   // the last list with the link of an entry
  const Shape* shape = nullptr;

  HtmlPage read() {
    HtmlPage html = read_as({});
    // A link stood before the title, or in it.
    if (html.fault.empty() && title_ != html.title) html = read_as(html.title);
    if (!html.fault.empty()) shape = nullptr;
    join_same_names(entries);
    return html;
  }

 private:
  // `title`: nullopt: the one that is read before the first link.
  HtmlPage read_as(std::optional<std::string> title) {
    entries.clear();
    last_list = -1;
    title_ = std::move(title);
    if (title_) shape = shape_of(body_, *title_);
    HtmlPage html =
        read_html(body_, [&](HtmlLink&& link, std::string_view read) { take(link, read); });
    if (!title_) use_title(html.title);
    return html;
  }

  void use_title(std::string_view title) {
    title_ = title;
    shape = shape_of(body_, title);
  }

  void take(const HtmlLink& link, std::string_view title) {
    if (!title_) use_title(title);
    if (shape == nullptr) return;
    std::optional<LinkedName> linked = linked_name(url_, link.href);
    if (!linked) return;
    if (link.list >= 0) last_list = link.list;
    PageEntry entry{std::move(linked->name), linked->is_folder, {}, {}};
    if (shape->details != Details::none) {
      take_details(shape->details == Details::before_link ? link.before : link.after, *shape,
                   entry);
    }
    append(entries, std::move(entry));
  }

  std::string_view url_, body_;
  std::optional<std::string> title_;  // by which the shape was found
};

bool ends_whole(std::string_view page) {
  constexpr std::size_t kTail = 4096;  // also of scripts, and of what proxies add
  const std::string tail = lower(page.substr(page.size() - std::min(page.size(), kTail)));
  return tail.find("</html") != std::string::npos;
}

// Whether the list of the entries ends before the page does. Each server in the table closes it
// itself; what hosts add behind it may lack </html>, and what a proxy adds to half a page may have
// it. `last_list`: of the last entry's link; -1: there is none.
bool list_ends(const HtmlPage& html, int last_list, bool ends_with_html) {
  if (last_list < 0) return ends_with_html;  // no entry, or none in a list
  const auto list = [&](int index) { return html.lists[static_cast<std::size_t>(index)]; };
  if (ends_with_html) return list(last_list).is_closed;
  for (int at = last_list; at >= 0; at = list(at).around) {
    if (!list(at).is_closed) return false;
  }
  return true;
}

// A page without </html>, as HTML 5 allows. It is no index, and does not end within a tag.
bool is_whole_other(std::string_view page, const HtmlPage& html) {
  constexpr std::size_t kHead = 4096;
  const std::string head = lower(page.substr(0, kHead));
  const bool is_html = head.find("</title>") != head.npos || head.find("<body") != head.npos;
  const bool has_index_title =
      std::any_of(std::begin(kShapes), std::end(kShapes), [&](const Shape& shape) {
        return !shape.title.empty() && html.title.starts_with(shape.title);
      });
  const std::size_t tag = page.rfind('<');
  return html.fault.empty() && is_html && !has_index_title && !looks_like_index(page) &&
         page.find('>', tag) != page.npos;
}

bool is_json(std::string_view body) {
  const std::size_t begin = body.find_first_not_of(" \t\r\n");
  return begin != body.npos && (body[begin] == '[' || body[begin] == '{');
}

// What is cut off may be the beginning of an index.
IndexPage read_other(std::string_view body, HtmlPage&& html, bool end_is_told) {
  IndexPage page;
  const bool whole = ends_whole(body) || (end_is_told && is_whole_other(body, html));
  page.is_other = whole && (html.fault.empty() || !looks_like_index(body));
  page.fault = std::move(html.fault);
  if (page.fault.empty())
    page.fault = whole ? "is not a directory index of a kind that is known"
                       : "ends too early, or is not a directory index of a kind that is known";
  return page;
}

IndexPage read_json(std::string_view url, std::string_view body) {
  IndexPage page;
  auto entries = read_json_index(url, body);
  if (entries && entries->size() > kMostEntries) {
    page.fault = kTooManyEntries;
  } else if (entries) {
    page.shape = "JSON";
    page.entries = std::move(*entries);
  } else {
    page.fault = "is JSON that is no whole directory index";
  }
  return page;
}

}  // namespace

bool looks_like_index(std::string_view body) {
  return is_json(body) ||
         std::any_of(std::begin(kShapes), std::end(kShapes), [&](const Shape& shape) {
           return shows(body, shape.title) && shows(body, shape.marks[0]) &&
                  shows(body, shape.marks[1]);
         });
}

IndexPage read_index(std::string_view url, std::string_view body, bool end_is_told) {
  if (is_json(body)) return read_json(url, body);
  Links links(url, body);
  HtmlPage html = links.read();
  if (links.shape == nullptr) return read_other(body, std::move(html), end_is_told);
  IndexPage page;
  page.shape = links.shape->name;
  page.entries = std::move(links.entries);
  const bool ends_with_html = ends_whole(body);
  if (!list_ends(html, links.last_list, ends_with_html) || !(ends_with_html || end_is_told)) {
    page.entries.clear();
    page.fault = "is a directory index that ends too early";
  }
  return page;
}

}  // namespace mirror::scanner::web
