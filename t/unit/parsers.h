// Parsers that are not ours, or simpler than what they check: XML and HTML by libxml2, bencoding
// into JSON.
#pragma once

#include <cppunit/extensions/HelperMacros.h>
#include <libxml/HTMLparser.h>
#include <libxml/xpath.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace mirror {

struct FreeDoc {
  void operator()(xmlDoc* doc) const { xmlFreeDoc(doc); }
};
using Doc = std::unique_ptr<xmlDoc, FreeDoc>;

// Strings at an XPath, namespaces disregarded: write *[local-name()='x'] as x in `path`.
inline std::vector<std::string> at(const Doc& doc, const std::string& path) {
  std::vector<std::string> found;
  xmlXPathContext* context = xmlXPathNewContext(doc.get());
  xmlXPathObject* object =
      xmlXPathEvalExpression(reinterpret_cast<const xmlChar*>(path.c_str()), context);
  CPPUNIT_ASSERT_MESSAGE(path, object != nullptr);
  for (int i = 0; object->nodesetval != nullptr && i < object->nodesetval->nodeNr; ++i) {
    xmlChar* content = xmlNodeGetContent(object->nodesetval->nodeTab[i]);
    found.emplace_back(reinterpret_cast<const char*>(content));
    xmlFree(content);
  }
  xmlXPathFreeObject(object);
  xmlXPathFreeContext(context);
  return found;
}

inline std::string one(const Doc& doc, const std::string& path) {
  const auto found = at(doc, path);
  CPPUNIT_ASSERT_EQUAL_MESSAGE(path, std::size_t{1}, found.size());
  return found[0];
}

inline std::string node(std::string_view name) {
  return "//*[local-name()='" + std::string(name) + "']";
}

// A bencoded value, written again as JSON: strings as they are, dictionaries checked to be sorted.
class Bencoded {
 public:
  explicit Bencoded(std::string_view text) : rest_(text) {}
  nlohmann::json whole() {
    nlohmann::json value = next();
    CPPUNIT_ASSERT(rest_.empty());
    return value;
  }

 private:
  nlohmann::json next() {
    if (take('i')) return number('e');
    if (take('l')) {
      nlohmann::json list = nlohmann::json::array();
      while (!take('e')) list.push_back(next());
      return list;
    }
    if (!take('d')) return string();
    nlohmann::json dictionary = nlohmann::json::object();
    std::string last;
    while (!take('e')) {
      const std::string key = string();
      CPPUNIT_ASSERT(last.empty() || last < key);
      last = key;
      dictionary[key] = next();
    }
    return dictionary;
  }
  bool take(char c) {
    CPPUNIT_ASSERT(!rest_.empty());
    const bool is = rest_[0] == c;
    if (is) rest_.remove_prefix(1);
    return is;
  }
  std::int64_t number(char end) {
    const std::size_t at = rest_.find(end);
    CPPUNIT_ASSERT(at != rest_.npos);
    const std::int64_t value = std::stoll(std::string(rest_.substr(0, at)));
    rest_.remove_prefix(at + 1);
    return value;
  }
  std::string string() {
    const auto size = static_cast<std::size_t>(number(':'));
    CPPUNIT_ASSERT(size <= rest_.size());
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }
  std::string_view rest_;
};

}  // namespace mirror
