#include "scanner/s3/key_ranges.h"

#include <algorithm>
#include <utility>

namespace mirror::scanner::s3 {

void KeyRange::pass(const std::string& key, std::size_t keys) {
  after_ = std::max(after_, key);
  const auto ahead = std::upper_bound(cuts_.begin(), cuts_.end(), after_);
  keys_ += keys;
  passed_ += static_cast<std::size_t>(ahead - cuts_.begin());
  if (passed_ > 0) keys_of_cut_ = static_cast<double>(keys_) / static_cast<double>(passed_);
  cuts_.erase(cuts_.begin(), ahead);
  go_back();
}

void KeyRange::go_back() {
  if (cuts_.empty() && back_) depth_ = *std::exchange(back_, std::nullopt);
}

KeyRange KeyRange::split() {
  const auto middle = cuts_.begin() + static_cast<std::ptrdiff_t>(cuts_.size() / 2);
  KeyRange rest(*middle, std::exchange(to_, *middle));
  rest.cuts_.assign(middle + 1, cuts_.end());
  rest.depth_ = depth_;
  rest.keys_of_cut_ = keys_of_cut_;
  rest.back_ = std::exchange(back_, std::nullopt);
  cuts_.erase(middle, cuts_.end());
  rest.go_back();
  return rest;
}

std::optional<std::string> KeyRange::folder_to_look_into(const std::string& prefix) const {
  if (!cuts_.empty() || after_.size() < prefix.size()) return std::nullopt;
  std::size_t end = prefix.size();
  for (std::size_t depth = 0; depth < depth_; ++depth) {
    const std::size_t slash = after_.find('/', end);
    if (slash == after_.npos) return std::nullopt;
    end = slash + 1;
  }
  return after_.substr(0, end);
}

void KeyRange::looked(const std::vector<std::string>& folders, bool more) {
  for (const std::string& folder : folders) {
    if (folder > after_ && (to_.empty() || folder < to_)) cuts_.push_back(folder);
  }
  std::sort(cuts_.begin(), cuts_.end());
  cuts_.erase(std::unique(cuts_.begin(), cuts_.end()), cuts_.end());
  if (more && !cuts_.empty()) back_ = depth_;
  ++depth_;
  keys_of_cut_ /= static_cast<double>(cuts_.size() + 1);
  keys_ = passed_ = 0;
}

}  // namespace mirror::scanner::s3
