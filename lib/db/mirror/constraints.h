// What a violated constraint means, in words that name the option to change.
#pragma once

#include <string_view>

namespace mirror::db {

// "" for a constraint that only a fault of ours can violate.
std::string_view constraint_words(std::string_view constraint_name);

}  // namespace mirror::db
