// Whether a page of HTML can be parsed in time that grows with its length alone, and has no part
// that hides all that follows. Internal to scanner/web; pure.
#pragma once

#include <string_view>

namespace mirror::scanner::web {

// Why it cannot, as words after "it"; "": it can. Tags end where libxml2's HTML parser ends them.
std::string_view tag_fault(std::string_view page);

}  // namespace mirror::scanner::web
