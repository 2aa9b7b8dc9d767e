#include "scanner/web/html_links.h"

#include <libxml/HTMLparser.h>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "core/ascii.h"
#include "scanner/web/html_tags.h"
#include "scanner/web/libxml2.h"
#include "scanner/web/page_entry.h"

namespace mirror::scanner::web {
namespace {

constexpr std::size_t kMaxTextBytes = 1024;  // kept of what stands around a link
constexpr std::size_t kMaxTitleBytes = 4096;
// Elements within each other. The parser looks at all that are open for each tag.
constexpr int kMaxDepth = 100;

struct FreeParser {
  void operator()(htmlParserCtxt* parser) const { htmlFreeParserCtxt(parser); }
};

std::string_view view(const xmlChar* text) { return reinterpret_cast<const char*>(text); }

// The value of an attribute; nullptr: it has none.
const xmlChar* attribute(const xmlChar** attributes, std::string_view name) {
  for (; attributes != nullptr && attributes[0] != nullptr; attributes += 2) {
    if (view(attributes[0]) == name && attributes[1] != nullptr) return attributes[1];
  }
  return nullptr;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void append_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\xa0';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    if (out.size() >= kMaxTextBytes) return;
    out += blank ? ' ' : c;
  }
}

class Reader {
 public:
  explicit Reader(const LinkSink& sink) : sink_(sink) {}

  HtmlPage page;

  bool is_full() const { return links_ > kMostEntries || page.lists.size() > kMostEntries; }
  void finish() { end_row(); }

  void start(std::string_view name, const xmlChar** attributes) {
    if (is_list(name)) start_list(name);
    if (is_one_of(name, {"tr", "li", "br", "pre", "hr", "table", "ul", "body"})) end_row();
    if (name == "pre") ++pre_;
    if (name == "title") in_title_ = true;
    if (is_one_of(name, {"td", "th"})) start_cell(attributes);
    if (name == "time") {
      if (const xmlChar* const value = attribute(attributes, "datetime")) replace(value);
    }
    if (name == "a") start_link(attributes);
    if (is_one_of(name, {"script", "style"})) ++silent_;
  }

  // `by_own_tag`: not because something else begins or ends.
  void end(std::string_view name, bool by_own_tag) {
    if (is_list(name)) end_list(name, by_own_tag);
    if (name == "pre" && pre_ > 0) --pre_;
    if (name == "title") in_title_ = false;
    if (is_one_of(name, {"tr", "li", "pre", "table", "ul"})) end_row();
    if (is_one_of(name, {"td", "th", "time"})) {
      replaced_ = false;
      append_text(text(), " ");
    }
    if (name == "a") in_link_ = false;
    if (is_one_of(name, {"script", "style"}) && silent_ > 0) --silent_;
  }

  void characters(std::string_view utf8) {
    if (silent_ > 0 || in_link_ || replaced_) return;
    const std::string bytes = bytes_of_latin1(utf8);
    if (in_title_) {
      if (page.title.size() < kMaxTitleBytes) page.title += bytes;
      return;
    }
    std::string_view rest = bytes;
    for (std::size_t newline; pre_ > 0 && (newline = rest.find('\n')) != rest.npos;) {
      append_text(text(), rest.substr(0, newline));
      end_row();
      rest.remove_prefix(newline + 1);
    }
    append_text(text(), rest);
  }

 private:
  struct OpenList {
    std::string_view name;
    int index;
  };

  static bool is_list(std::string_view name) { return is_one_of(name, {"pre", "table", "ul"}); }

  int innermost_list() const { return open_lists_.empty() ? -1 : open_lists_.back().index; }

  void start_list(std::string_view name) {
    const std::string_view kept = name == "pre" ? "pre" : name == "ul" ? "ul" : "table";
    page.lists.push_back({innermost_list(), false});
    open_lists_.push_back({kept, static_cast<int>(page.lists.size()) - 1});
  }

  void end_list(std::string_view name, bool by_own_tag) {
    const auto open = std::find_if(open_lists_.rbegin(), open_lists_.rend(),
                                   [&](const OpenList& list) { return list.name == name; });
    if (open == open_lists_.rend()) return;
    page.lists[static_cast<std::size_t>(open->index)].is_closed = by_own_tag;
    open_lists_.erase(open.base() - 1, open_lists_.end());
  }

  std::string& text() { return row_has_link_ ? link_.after : before_; }

  void pass_on_link() {
    if (std::exchange(row_has_link_, false)) sink_(std::move(link_), page.title);
  }

  void start_link(const xmlChar** attributes) {
    const xmlChar* const href = attribute(attributes, "href");
    if (href == nullptr) return;
    pass_on_link();
    ++links_;
    link_ = {bytes_of_latin1(view(href)), std::move(before_), {}, innermost_list()};
    before_.clear();
    row_has_link_ = in_link_ = true;
  }

  void start_cell(const xmlChar** attributes) {
    for (const char* const name : {"data-order", "data-sort", "data-value", "data-size"}) {
      const xmlChar* const value = attribute(attributes, name);
      const bool number = value != nullptr && *value >= '0' && *value <= '9' &&
                          view(value).find_first_not_of("0123456789") == std::string_view::npos;
      if (number) return replace(value);
    }
  }

  // This stands for what the element shows.
  void replace(const xmlChar* value) {
    append_text(text(), " " + bytes_of_latin1(view(value)) + " ");
    replaced_ = true;
  }

  void end_row() {
    before_.clear();
    pass_on_link();
    replaced_ = false;
  }

  const LinkSink& sink_;
  std::size_t links_ = 0;
  std::vector<OpenList> open_lists_;
  std::string before_;
  HtmlLink link_;              // the last one
  bool row_has_link_ = false;  // text belongs to it
  bool in_link_ = false, in_title_ = false, replaced_ = false;
  int pre_ = 0, silent_ = 0;
};

// libxml2 is C: what a callback throws is kept until it has returned.
struct Guarded {
  htmlParserCtxt* parser;
  Reader reader;
  std::string_view rest;  // of the page, that the parser has not taken yet
  bool out_of_memory = false;

  // What is read has so many parts that the rest is left alone.
  void stop(std::string_view fault) {
    reader.page.fault = fault;
    xmlStopParser(parser);
  }

  template <typename Call>
  void guard(Call call) noexcept {
    try {
      if (!out_of_memory) call();
    } catch (...) {
      out_of_memory = true;
      xmlStopParser(parser);
    }
  }
};

void on_start(void* user, const xmlChar* name, const xmlChar** attributes) noexcept {
  auto& to = *static_cast<Guarded*>(user);
  to.guard([&] {
    if (!to.reader.page.fault.empty()) return;
    to.reader.start(view(name), attributes);
    if (to.parser->nameNr > kMaxDepth) to.stop("has more than 100 elements within each other");
    if (to.reader.is_full()) to.stop(kTooManyEntries);
  });
}

// What the parser has read last is the end tag of that name. The callback gets the name alone, for
// tags that are in the page and for those that the parser adds. This relies on the parser's input:
// when it calls for an end tag of the page, `cur` is right behind its '>', and when it adds one,
// `cur` is before what made it do so. What lies before `cur` is kept: the parser leaves at least 80
// bytes when it drops what it has read (xmlParserInputShrink, LINE_LEN). The unit tests have pages
// that are closed in each way, so another libxml2 that does this differently makes them fail.
bool is_behind_end_tag(const htmlParserCtxt& parser, std::string_view name) {
  constexpr std::ptrdiff_t kMostBytes = 40;
  const xmlParserInput& input = *parser.input;
  const auto length = static_cast<std::size_t>(std::min(input.cur - input.base, kMostBytes));
  std::string_view last(reinterpret_cast<const char*>(input.cur) - length, length);
  const std::size_t tag = last.rfind("</");
  if (tag == last.npos) return false;
  last.remove_prefix(tag + 2);
  return lower(last.substr(0, last.find_first_of(" \t\r\n>"))) == name && last.ends_with('>');
}

void on_end(void* user, const xmlChar* name) noexcept {
  auto& to = *static_cast<Guarded*>(user);
  to.guard([&] { to.reader.end(view(name), is_behind_end_tag(*to.parser, view(name))); });
}

void on_characters(void* user, const xmlChar* text, int length) noexcept {
  auto& to = *static_cast<Guarded*>(user);
  to.guard([&] {
    to.reader.characters({reinterpret_cast<const char*>(text), static_cast<std::size_t>(length)});
  });
}

// In pieces: of a page in memory the parser would make two copies.
int on_read(void* user, char* out, int length) noexcept {
  std::string_view& rest = static_cast<Guarded*>(user)->rest;
  const std::size_t taken = rest.copy(out, static_cast<std::size_t>(std::max(length, 0)));
  rest.remove_prefix(taken);
  return static_cast<int>(taken);
}

// The parser has seen the whole page.
bool is_at_end(const Guarded& guarded) {
  const htmlParserCtxt& parser = *guarded.parser;
  return guarded.rest.empty() && parser.disableSAX == 0 && parser.input != nullptr &&
         parser.input->cur >= parser.input->end;
}

// Throws std::bad_alloc.
void parse(Guarded& guarded) {
  htmlParserCtxt* const parser = guarded.parser;
  htmlSAXHandler handler{};
  handler.startElement = on_start;
  handler.endElement = on_end;
  handler.characters = on_characters;
  handler.ignorableWhitespace = on_characters;
  *parser->sax = handler;
  parser->userData = &guarded;
  constexpr int kOptions = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                           HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC;
  xmlDoc* const doc =
      htmlCtxtReadIO(parser, on_read, nullptr, &guarded, nullptr, "ISO-8859-1", kOptions);
  if (doc != nullptr) xmlFreeDoc(doc);
  guarded.guard([&] { guarded.reader.finish(); });
  if (guarded.out_of_memory || parser->errNo == XML_ERR_NO_MEMORY) throw std::bad_alloc();
}

}  // namespace

HtmlPage read_html(std::string_view page, const LinkSink& sink) {
  if (const std::string_view fault = tag_fault(page); !fault.empty())
    return {{}, {}, std::string(fault)};
  start_libxml2();
  const std::unique_ptr<htmlParserCtxt, FreeParser> parser(htmlNewParserCtxt());
  if (!parser) throw std::bad_alloc();
  Guarded guarded{parser.get(), Reader(sink), page};
  parse(guarded);
  HtmlPage read = std::move(guarded.reader.page);
  if (read.fault.empty() && !page.empty() && !is_at_end(guarded))
    read.fault = "is HTML that cannot be read to its end";
  return read;
}

std::string bytes_of_latin1(std::string_view utf8) {
  std::string bytes;
  bytes.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    const bool below_256 = (c == 0xc2 || c == 0xc3) && i + 1 < utf8.size();
    if (below_256) {
      ++i;
      bytes += static_cast<char>((c & 3) << 6 | (static_cast<unsigned char>(utf8[i]) & 0x3f));
    } else {
      bytes += utf8[i];
    }
  }
  return bytes;
}

std::string latin1_to_utf8(std::string_view bytes) {
  std::string utf8;
  utf8.reserve(bytes.size());
  for (const char byte : bytes) {
    const auto c = static_cast<unsigned char>(byte);
    if (c < 0x80) {
      utf8 += byte;
    } else {
      utf8 += static_cast<char>(0xc0 | c >> 6);
      utf8 += static_cast<char>(0x80 | (c & 0x3f));
    }
  }
  return utf8;
}

}  // namespace mirror::scanner::web
