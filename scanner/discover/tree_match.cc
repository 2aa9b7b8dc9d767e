#include "scanner/discover/tree_match.h"

#include <algorithm>

#include "core/path.h"

namespace mirror::scanner::discover {
namespace {

std::vector<std::string> segments_of(std::string_view url_path) {
  std::vector<std::string> segments;
  while (!url_path.empty()) {
    const std::size_t slash = std::min(url_path.find('/'), url_path.size());
    const auto segment = percent_decode(url_path.substr(0, slash));
    if (!segment) return {};
    if (!segment->empty()) segments.push_back(*segment);
    url_path.remove_prefix(std::min(slash + 1, url_path.size()));
  }
  return segments;
}

std::string joined(const std::vector<std::string>& segments, std::size_t from) {
  std::string text;
  for (std::size_t i = from; i < segments.size(); ++i) text += '/' + segments[i];
  return text;
}

class Places {
 public:
  void add(std::string place) {
    if (list_.size() < kMostPlaces && std::find(list_.begin(), list_.end(), place) == list_.end())
      list_.push_back(std::move(place));
  }
  std::vector<std::string> take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

}  // namespace

int percent_of_top(const std::vector<std::string>& top, const std::vector<std::string>& names) {
  if (top.empty()) return 0;
  const auto there = std::count_if(top.begin(), top.end(), [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  });
  return static_cast<int>(there * 100 / static_cast<std::ptrdiff_t>(top.size()));
}

// A module is mostly named as a folder of the URL (http://host/debian/ is host::debian), or stands
// for the folder above all (host::ftp/debian).
std::vector<std::string> rsync_places(const std::vector<std::string>& modules,
                                      std::string_view url_path) {
  const std::vector<std::string> segments = segments_of(url_path);
  const auto is_listed = [&](const std::string& name) {
    return std::find(modules.begin(), modules.end(), name) != modules.end();
  };
  Places places;
  for (std::size_t i = segments.size(); i > 0; --i) {
    if (modules.empty() || is_listed(segments[i - 1]))
      places.add(segments[i - 1] + joined(segments, i));
  }
  for (const std::string& module : modules) {
    if (!segments.empty()) places.add(module + '/' + segments.back());
    places.add(module);
    places.add(module + joined(segments, 0));
  }
  return places.take();
}

}  // namespace mirror::scanner::discover
