#include "scanner/rsync/rsync_names.h"

#include <utility>

#include "core/path.h"

namespace mirror::scanner {
namespace {

constexpr std::size_t kMostNames = 1000;
constexpr std::size_t kMaxLineBytes = 40 << 10;

}  // namespace

std::string module_name(std::string_view line) {
  const std::size_t tab = line.find('\t');
  if (tab == line.npos) return "";
  std::string_view name = line.substr(0, tab);
  while (name.ends_with(' ')) name.remove_suffix(1);
  const bool is_one = name.find('/') == name.npos && name != "." && name != "..";
  return is_one ? std::string(name) : "";
}

std::string name_in_folder(std::string_view line) {
  Entry entry;
  return parse_rsync_line(line, entry) && entry.path != "." ? entry.path : "";
}

RsyncNames::RsyncNames(NameIn name_in)
    : name_in_(name_in), lines_(kMaxLineBytes, [this](std::string_view line, bool cut) {
        if (cut || names_.size() >= kMostNames) return;
        std::string name = name_in_(line);
        if (!name.empty() && name.size() <= kMaxPathBytes) names_.push_back(std::move(name));
      }) {}

std::vector<std::string> RsyncNames::finish() {
  lines_.finish();
  return std::move(names_);
}

}  // namespace mirror::scanner
