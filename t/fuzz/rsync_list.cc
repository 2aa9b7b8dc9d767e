#include "scanner/rsync/rsync_list.h"

#include "core/path.h"
#include "fuzz.h"
#include "scanner/rsync/rsync_command.h"

using namespace mirror;
using namespace mirror::scanner;

namespace {

// How rsync prints a name with LC_ALL=C.
std::string escaped(std::string_view name) {
  std::string out;
  const auto digit = [&](std::size_t at) {
    return at < name.size() && name[at] >= '0' && name[at] <= '9';
  };
  for (std::size_t i = 0; i < name.size(); ++i) {
    const unsigned char c = name[i];
    const bool looks_escaped = c == '\\' && i + 1 < name.size() && name[i + 1] == '#' &&
                               digit(i + 2) && digit(i + 3) && digit(i + 4);
    if ((c < ' ' && c != '\t') || c >= 0x7f || looks_escaped) {
      out += {'\\', '#', static_cast<char>('0' + c / 64), static_cast<char>('0' + c / 8 % 8),
              static_cast<char>('0' + c % 8)};
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

void check_round_trip(std::string_view name) {
  if (name.empty()) return;
  Entry entry;
  require(parse_rsync_line("-rw-r--r--           7 2026/11/24 00:10:03 " + escaped(name), entry));
  require(entry.path == name && entry.size_bytes == 7);
  const std::string target(name);
  require(parse_rsync_line("lrwxrwxrwx " + std::to_string(target.size()) +
                               " 2026/11/24 00:10:03 x -> y -> " + escaped(target),
                           entry));
  require(entry.path == "x -> y" && entry.target == target);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Entry entry;
  std::size_t lines = 0;
  LineCutter cutter(200, [&](std::string_view line, bool cut) {
    ++lines;
    require(line.size() <= 200 && line.find('\n') == line.npos && (!cut || line.size() == 200));
    if (!parse_rsync_line(line, entry)) return;
    require(!entry.path.empty() && entry.size_bytes >= 0 &&
            entry.path.size() + entry.target.size() <= line.size());
    require(entry.mtime_s >= -62167219200 && entry.mtime_s < 253402300801);
  });
  for (std::size_t at = 0; at < size; at += 1 + at % 7) cutter.feed(text.substr(at, 1 + at % 7));
  cutter.finish();
  require(lines <= size);
  check_round_trip(text);
  rsync_url_fault(text);
  if (!rsync_option_fault(text)) require(text.starts_with("-") && text.find('\0') == text.npos);
  return 0;
}
