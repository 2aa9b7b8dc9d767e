// Gentoo's list of mirrors: <mirrors><mirrorgroup country="DE"><mirror><name/><uri/>…
#include <fmt/format.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <climits>
#include <memory>

#include "core/ascii.h"
#include "moving/formats.h"

namespace mirror::moving {
namespace {

struct FreeDocument {
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};
struct FreeText {
  void operator()(xmlChar* text) const { xmlFree(text); }
};
using Text = std::unique_ptr<xmlChar, FreeText>;

std::string string_of(const Text& text) {
  return text ? std::string(without_blanks(reinterpret_cast<const char*>(text.get()))) : "";
}
std::string attribute(const xmlNode* node, const char* name) {
  return string_of(Text(xmlGetProp(node, reinterpret_cast<const xmlChar*>(name))));
}
std::string content(const xmlNode* node) { return string_of(Text(xmlNodeGetContent(node))); }

bool is(const xmlNode* node, std::string_view name) {
  return node->type == XML_ELEMENT_NODE && reinterpret_cast<const char*>(node->name) == name;
}

// Calls `take` for each child with that name.
template <typename Take>
void each(const xmlNode* parent, std::string_view name, Take take) {
  for (const xmlNode* child = parent->children; child != nullptr; child = child->next)
    if (is(child, name)) take(child);
}

MovedMirror mirror_of(const xmlNode* node, const std::string& country) {
  MovedMirror mirror;
  std::string name;
  each(node, "name", [&](const xmlNode* child) { name = content(child); });
  bool ipv4 = false, ipv6 = false;
  each(node, "uri", [&](const xmlNode* uri) {
    mirror.set_url(content(uri));
    ipv4 = ipv4 || attribute(uri, "ipv4") == "y";
    ipv6 = ipv6 || attribute(uri, "ipv6") == "y";
    if (attribute(uri, "partial") == "y") mirror.leave_out("partial", content(uri));
  });
  for (const char* const column : {"https_url", "http_url"})
    if (mirror.identifier.empty()) mirror.identifier = identifier_from(mirror.value(column));
  mirror.set("operator_name", name);
  mirror.set("country", code_list(country));
  if (ipv4 || ipv6) {
    mirror.set_flag("ipv4", ipv4);
    mirror.set_flag("ipv6", ipv6);
  }
  return mirror;
}

}  // namespace

MovedMirrors read_gentoo(std::string_view text) {
  if (text.size() > INT_MAX) throw FormatError("is too long");
  const std::unique_ptr<xmlDoc, FreeDocument> document(
      xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, nullptr,
                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
  const xmlNode* const root = document ? xmlDocGetRootElement(document.get()) : nullptr;
  if (root == nullptr) throw FormatError("is no XML");
  if (!is(root, "mirrors")) throw FormatError("is XML, but not a list of <mirrors>");
  MovedMirrors moved;
  each(root, "mirrorgroup", [&](const xmlNode* group) {
    const std::string country = attribute(group, "country");
    each(group, "mirror", [&](const xmlNode* node) {
      MovedMirror mirror = mirror_of(node, country);
      if (mirror.identifier.empty())
        moved.left_out.push_back(
            fmt::format("{}: has no http or https URL", mirror.value("operator_name")));
      else
        moved.mirrors.push_back(std::move(mirror));
    });
  });
  settle_identifiers(moved);
  return moved;
}

}  // namespace mirror::moving
