#include "core/logged_answer.h"

#include "fuzz.h"

using namespace mirror;

namespace {

constexpr std::int64_t kYear10000 = 253'402'300'800, kMostOffset_s = 15 * 3600;

// A word that the line has, as the module writes it.
void check_word(std::string_view word, std::string_view line) {
  if (word.empty()) return;
  require(word.data() >= line.data() && word.data() + word.size() <= line.data() + line.size());
  require(word != "-" && word.find_first_of(" \"") == std::string_view::npos);
}

}  // namespace

// A line of an access log, which has what clients send.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string_view line(text);
  const auto answer = parse_logged_answer(line);
  if (!answer) return 0;
  require(answer->time_s >= -kMostOffset_s && answer->time_s <= kYear10000 + kMostOffset_s);
  require(answer->status >= 100 && answer->status <= 999);
  require(answer->bytes >= 0 && answer->size_bytes >= 0);
  check_word(answer->mirror, line);
  check_word(answer->country, line);
  // What stands before the time is the client's, and says nothing of the answer.
  const std::string longer = "x" + text;
  const auto again = parse_logged_answer(longer);
  require(again && again->time_s == answer->time_s && again->status == answer->status &&
          again->bytes == answer->bytes && again->mirror == answer->mirror &&
          again->country == answer->country && again->size_bytes == answer->size_bytes);
  return 0;
}
