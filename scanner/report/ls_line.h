// One entry of `ls -l`, in whatever --time-style. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "db/merge/scan.h"
#include "scanner/list/entry.h"

namespace mirror::scanner::report {

// Reads `text` into `entry`, its path being the name alone. `precision` becomes that of its time.
// A time without a zone counts as UTC; one without a year is the last such day before `now_s`, or
// less than a day after it. False: it is no such line.
bool parse_ls_line(std::string_view text, std::int64_t now_s, Entry& entry,
                   db::Precision& precision);

}  // namespace mirror::scanner::report
