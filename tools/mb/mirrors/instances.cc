// mb instances: what the configuration offers.
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

// The one that is used without --instance; "" when the file names none.
std::string default_instance(const Context& context) {
  try {
    return load_instance(context.config_file, std::nullopt).name;
  } catch (const ConfigError&) {
    return "";
  }
}

int run(Context& context, bool json) {
  const std::vector<std::string> names = instance_names(context.config_file);
  const std::string used = default_instance(context);
  auto list = nlohmann::json::array();
  Table table({{"INSTANCE"}, {""}, {"SOURCE"}});
  for (const std::string& name : names) {
    const Instance instance = load_instance(context.config_file, name);
    table.add({name, name == used ? "default" : "", instance.source});
    list.push_back({{"name", name}, {"default", name == used}, {"source", instance.source}});
  }
  if (json) {
    say_json(list);
  } else if (names.empty()) {
    complain("no configuration: the database is the one that PGHOST, PGDATABASE, … name");
  } else {
    table.say();
  }
  return kSuccess;
}

}  // namespace

Action setup_instances(cli::Options& app, Context& context) {
  auto json = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "As JSON");
  return [&context, json] { return run(context, *json); };
}

}  // namespace mirror::mb
