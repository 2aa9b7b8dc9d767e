// mb iplookup: where an address or a host is, by the GeoIP databases.
#include <fmt/core.h>

#include "commands.h"
#include "explain/client.h"
#include "host_place.h"
#include "output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string host;
  bool json = false;
};

int run(Context& context, const Wanted& wanted) {
  const GeoDatabases& geo = context.geo();
  if (geo.empty()) throw Failure("no geo_databases in the configuration; see mb.toml(5)");
  const Resolved resolved = resolve(wanted.host);
  if (resolved.addresses.empty()) throw Failure(fmt::format("{}: {}", wanted.host, resolved.error));
  auto list = nlohmann::json::array();
  Table table(2);
  for (const Address& address : resolved.addresses) {
    const Client client = geo.locate(address);
    list.push_back(client_json(client));
    const std::string text = client_text(client);
    table.add({address.text(), text.empty() ? "unknown" : text});
  }
  if (wanted.json) {
    say_json(list);
  } else {
    table.say();
  }
  return kSuccess;
}

}  // namespace

Action setup_iplookup(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("address", wanted->host, "An address or a host's name")
      ->required()
      ->type_name("ADDRESS");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
