// Elements and attributes of XML and HTML, for the renderers that write them.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "core/encode.h"
#include "core/place.h"

namespace mirror {

using Attributes =
    std::initializer_list<std::pair<std::string_view, std::string_view>>;  // empty values are left
                                                                           // out

class MarkupWriter {
 public:
  MarkupWriter(std::string& out, Markup markup) : out_(out), markup_(markup) {}

  MarkupWriter& open(std::string_view name, Attributes attributes = {}) {
    out_.append("<").append(name);
    for (const auto& [key, value] : attributes) {
      if (value.empty()) continue;
      out_.append(" ").append(key).append("=\"");
      append_markup(out_, value, markup_);
      out_ += '"';
    }
    out_ += '>';
    return *this;
  }
  MarkupWriter& close(std::string_view name) {
    out_.append("</").append(name).append(">");
    return *this;
  }
  MarkupWriter& text(std::string_view text) {
    append_markup(out_, text, markup_);
    return *this;
  }
  MarkupWriter& hex(std::string_view bytes) {
    append_hex(out_, bytes);
    return *this;
  }
  MarkupWriter& raw(std::string_view markup) {
    out_ += markup;
    return *this;
  }
  // <name …>text</name>
  MarkupWriter& element(std::string_view name, std::string_view content,
                        Attributes attributes = {}) {
    return open(name, attributes).text(content).close(name);
  }

 private:
  std::string& out_;
  const Markup markup_;
};

// "de"; "" for mirrors of no one country.
inline std::string country_location(const CountryCode& country) {
  std::string code;
  if (!country.everyone()) {
    for (const char c : country.text()) code += static_cast<char>(c - 'A' + 'a');
  }
  return code;
}

}  // namespace mirror
