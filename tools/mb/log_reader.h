// The lines of log files, however large, in bounded memory: plain ones, standard input, and what
// gzip, xz or zstd compressed, which these programs read. One thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace mirror::mb {

// Passes on each line without its end; one that is longer than 64 KiB is left out. `file`: "-" is
// standard input. Throws Failure that names the file.
void read_log_lines(const std::string& file, const std::function<void(std::string_view)>& take);

}  // namespace mirror::mb
