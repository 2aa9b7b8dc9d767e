// mb dirs: the folders of the tree, how large they are, and how many mirrors have them.
#include <fmt/core.h>

#include "db/tree_view.h"
#include "tools/mb/commands.h"
#include "tools/mb/files/tree_file.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string folder;
  bool json = false;
};

void say_table(const std::vector<db::FolderSum>& sums) {
  Table table({{"FOLDER"},
               {"FILES", Align::right},
               {"BYTES", Align::right},
               {"MIRRORS WITH ALL", Align::right},
               {"WITH SOME", Align::right}});
  for (const db::FolderSum& sum : sums) {
    table.add({sum.name.empty() ? "(files here)" : sum.name + '/', grouped(sum.files),
               grouped(sum.size_bytes), grouped(sum.mirrors_whole), grouped(sum.mirrors_some)});
  }
  table.say();
}

int run(Context& context, const Wanted& wanted) {
  const std::string folder = tree_path_or_root(wanted.folder, "a folder");
  const std::vector<db::FolderSum> sums = db::folder_sums(context.database(), folder);
  if (wanted.json) {
    auto list = nlohmann::json::array();
    for (const db::FolderSum& sum : sums) {
      nlohmann::json& told = list.emplace_back();
      told = {{"files", sum.files},
              {"size", sum.size_bytes},
              {"mirrors_whole", sum.mirrors_whole},
              {"mirrors_some", sum.mirrors_some},
              {"here", sum.name.empty()}};
      put_bytes(told, "folder", sum.name);
    }
    say_json(list);
  } else if (!sums.empty()) {
    say_table(sums);
  }
  if (!sums.empty()) return kSuccess;
  complain(folder.empty() ? "no files in the table; mb-scan --source lists them"
                          : fmt::format("no files below '{}' in the table", folder));
  return kFailure;
}

}  // namespace

Action setup_dirs(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("folder", wanted->folder,
                 "What is directly in this folder; without it, at the top")
      ->type_name("PATH");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
