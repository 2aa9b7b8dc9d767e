// Links of a directory index: which of them name something in the folder. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mirror::scanner::web {

struct LinkedName {
  std::string name;  // percent-decoded, without a slash
  bool is_folder = false;
};

// What a link on the page of the folder `page_url` (http or https, ends in '/') names there, RFC
// 3986 §5. nullopt: what lies elsewhere (the parent, another host, a folder below), links with a
// query, which sort the page, and what is no name of a file.
std::optional<LinkedName> linked_name(std::string_view page_url, std::string_view href);

// Of two web URLs: whether `to` is the folder `asked` itself, with other escapes, or by https
// instead of http (then at any port). Both end in '/'; neither has a query.
bool is_same_folder(std::string_view asked, std::string_view to);

}  // namespace mirror::scanner::web
