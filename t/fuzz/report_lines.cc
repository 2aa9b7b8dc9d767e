#include "scanner/report/report_lines.h"

#include "fuzz.h"

using namespace mirror;
using namespace mirror::scanner;

// A mirror's own report, line by line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  report::Lines lines(1'795'000'000);
  report::Line line;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const auto taken = lines.take(one, line);
    require(!(taken.has_entry && taken.fault));
    if (taken.fault) return 0;
    if (!taken.has_entry) continue;
    require(lines.shape().has_value() && !line.entry.path.empty() && line.entry.size_bytes >= 0);
    require(line.digest.has_value() == (*lines.shape() == report::Shape::sums));
  }
  return 0;
}
