// A directory index of a web server as entries. Servers are told apart by a table of shapes. Pure.
#pragma once

#include <string>
#include <string_view>

#include "scanner/web/page_entry.h"

namespace mirror::scanner::web {

struct IndexPage {
  std::string_view shape;  // its name in the table; "": none fits
  PageEntries entries;     // each name once
  bool is_other = false;   // a whole page that is no index, such as a folder's own
  std::string fault;       // why it is not a whole index, after "it"; "": it is one
};

// By its bytes alone: of a page that cannot be read, or of the beginning of one.
bool looks_like_index(std::string_view body);
// `url`: the page's own, ends in '/'. `body`: decoded, of any content. `end_is_told`: the server
// said where it ends, so that no connection that broke has cut it; a page that does not end with
// </html> may be whole only then.
IndexPage read_index(std::string_view url, std::string_view body, bool end_is_told = false);

}  // namespace mirror::scanner::web
