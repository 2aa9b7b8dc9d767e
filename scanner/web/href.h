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

}  // namespace mirror::scanner::web
