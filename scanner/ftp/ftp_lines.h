// One line of a folder's listing over FTP: of MLSD (RFC 3659 §7), or of LIST as Unix servers and
// Windows servers print it. Pure; plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scanner/list/entry.h"
#include "scanner/list/listed_time.h"

namespace mirror::scanner::ftp {

struct FtpEntry {
  Entry entry;      // its path is the name, as the server has it
  ListedTime time;  // of `entry.mtime_s`
};

enum class LineKind : std::uint8_t {
  entry,
  nothing,  // no entry of the folder: the folder itself, the one above, a sum
  fault     // the line is none of such a listing
};

// Of a line without its end. `now_s`: LIST shows no year of what is less than half a year old.
LineKind read_mlsd_line(std::string_view line, FtpEntry& into);
LineKind read_list_line(std::string_view line, std::int64_t now_s, FtpEntry& into);

struct FtpFolder {
  std::vector<FtpEntry> entries;
  std::string fault;  // why the listing cannot be used, as text after the folder; "": it can
};

inline constexpr std::size_t kMostEntries = 200'000;  // of one folder

FtpFolder read_folder(std::string_view body, bool is_mlsd, std::int64_t now_s);

}  // namespace mirror::scanner::ftp
