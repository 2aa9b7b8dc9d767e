#include "answer/decide.h"
#include "fuzz.h"

using namespace mirror;

namespace {

MirrorTable one_mirror() {
  Mirror mirror;
  mirror.id = 1;
  mirror.http_url = "http://m.example/";
  mirror.enabled = true;
  return MirrorTable(1, {mirror});
}

}  // namespace

// A query that asks for a representation never ends at the file, nor does a malformed one for a
// list.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MirrorTable table = one_mirror();
  Settings settings;
  settings.pass_query = true;
  static const Fallback fallbacks[] = {{"", "", "http://f.example/"}};
  settings.fallbacks = fallbacks;
  const Request request{.path = "a",
                        .query = std::string_view(reinterpret_cast<const char*>(data), size)};
  const Query& query = request.query;
  static constexpr MirrorId kHolder[] = {1};
  const File file{"a", 10'000, 1, std::span<const MirrorId>(kHolder), false};
  for (const auto& outcome : {decide(request, {}, file, table, settings),
                              decide(request, {}, file, MirrorTable(), settings)}) {
    const auto& answer = std::get<Outcome::Answer>(outcome.result);
    const bool redirected = answer.status == 302;
    require(query.malformed && wanted(request) ? answer.status == 400
                                               : redirected == !query.representation);
    require(redirected || answer.status == 400 || answer.status == 404 || answer.status == 200);
    for (const auto& [name, value] : answer.headers) require(!has_control_bytes(value));
  }
  require(!query.malformed || !wanted(request) || unanswered(request)->status == 400);
  return 0;
}
