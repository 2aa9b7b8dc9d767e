// mb events: what changed of the mirrors.
#include <fmt/core.h>

#include <ctime>

#include "db/mirror/health.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

constexpr int kSecondsPerDay = 86400;

struct Wanted {
  std::string mirror;
  int days = 7;
  bool json = false;
};

int run(Context& context, const Wanted& wanted) {
  const std::int64_t since_s = std::time(nullptr) - std::int64_t{wanted.days} * kSecondsPerDay;
  std::vector<db::Event> events = read_events(context.database(), wanted.mirror, since_s);
  if (events.empty() && !wanted.mirror.empty())
    events = read_events(context.database(), whole_name(context, wanted.mirror), since_s);
  if (wanted.json) {
    auto list = nlohmann::json::array();
    for (const db::Event& event : events) {
      list.push_back({{"at", rfc3339(event.at_s)},
                      {"mirror", event.mirror},
                      {"what", event.what},
                      {"from", event.from},
                      {"to", event.to},
                      {"why", event.why}});
    }
    say_json(list);
    return kSuccess;
  }
  if (events.empty()) {
    if (!wanted.mirror.empty()) require_mirror(context, wanted.mirror);
    complain(fmt::format("no events in the last {} days", wanted.days));
    return kSuccess;
  }
  Table table({{"AT"},
               {"MIRROR"},
               {"WHAT"},
               {"FROM", Align::left, true},
               {"TO", Align::left, true},
               {"WHY"}});
  for (const db::Event& event : events)
    table.add({utc_minute(event.at_s), event.mirror.empty() ? "(all)" : event.mirror, event.what,
               event.from, event.to, event.why});
  table.say();
  return kSuccess;
}

}  // namespace

Action setup_events(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("identifier", wanted->mirror, "Of this mirror only; also of a deleted one")
      ->type_name("IDENT");
  app.add_option("--days", wanted->days, "How far back (default 7; they are kept for 400)")
      ->between(1, 400)
      ->type_name("DAYS");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
