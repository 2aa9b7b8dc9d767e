#include "core/nearest.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"
#include "core/path.h"

namespace mirror {
namespace {

constexpr std::size_t kMaxSuggestions = 3;
constexpr std::size_t kMaxWordBytes =
    256;  // the distance takes time and memory by the product of the lengths

}  // namespace

std::size_t edit_distance(std::string_view a_text, std::string_view b_text) {
  const std::string a = lower(a_text), b = lower(b_text);
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
  if (word.empty() || word.size() > kMaxWordBytes) return {};
  const std::size_t limit = std::max<std::size_t>(2, word.size() / 3);
  const std::string wanted = lower(word);
  std::vector<std::pair<std::size_t, std::string>> found;
  for (const std::string& candidate : known) {
    if (candidate.size() > kMaxWordBytes) continue;
    const std::size_t distance = edit_distance(wanted, candidate);
    const bool part = wanted.size() >= 3 && lower(candidate).find(wanted) != std::string::npos;
    if (distance <= limit && distance < std::max(wanted.size(), candidate.size())) {
      found.emplace_back(distance, candidate);
    } else if (part) {
      found.emplace_back(limit + 1, candidate);
    }
  }
  std::sort(found.begin(), found.end());
  if (found.size() > kMaxSuggestions) found.resize(kMaxSuggestions);
  std::vector<std::string> result;
  for (auto& entry : found) result.push_back(std::move(entry.second));
  return result;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::vector<std::string> near = nearest(word, known);
  std::string result;
  for (std::size_t i = 0; i < near.size(); ++i) {
    result += i == 0 ? "; did you mean '" : i + 1 == near.size() ? " or '" : ", '";
    result += printable(near[i]) + "'";
  }
  return result.empty() ? result : result + "?";
}

}  // namespace mirror
