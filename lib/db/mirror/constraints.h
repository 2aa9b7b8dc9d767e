// The message for a violated constraint; it names the option to change.
#pragma once

#include <string_view>

namespace mirror::db {

// "" for a constraint that only a bug can violate.
std::string_view constraint_words(std::string_view constraint_name);

}  // namespace mirror::db
