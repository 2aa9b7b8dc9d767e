// A page of a bucket's listing (ListObjectsV2) as entries, by libxml2, without a tree of it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mirror::scanner::s3 {

struct ListedObject {
  std::string key;   // unescaped; "" where its escape is broken
  std::string etag;  // without its quotes
  std::int64_t size_bytes = -1;
  std::int64_t modified_s = -1;  // LastModified: when it was uploaded
  bool archived = false;         // by its StorageClass: GET answers 403
};

struct ListPage {
  std::vector<ListedObject> objects = {};
  std::vector<std::string> prefixes = {};  // with `delimiter`: the common ones, unescaped
  bool more = false;                       // behind `token`
  std::string token = {};
  std::string fault;  // why it is not a whole page, as words after "its page"; "": it is one
};

// `body`: of any content. Document types, entities of their own, deep trees and more keys than a
// page can have are faults.
ListPage read_list_page(std::string_view body);

}  // namespace mirror::scanner::s3
