// mb test, mb probefile: whether mirrors are well right now, and which of them have a file. mb-scan
// asks them; mb itself connects to no mirror.
#include "tools/mb/commands.h"
#include "tools/mb/files/tree_file.h"
#include "tools/mb/programs.h"

namespace mirror::mb {
namespace {

constexpr const char* kScanner = "mb-scan";

struct Wanted {
  std::vector<std::string> identifiers;
  std::string path;
  std::optional<std::string> scheme;
  std::optional<int> files;
  bool all = false, json = false;
};

// With the names as the database has them: mb-scan takes whole ones only.
std::vector<std::string> words_for(Context& context, const Wanted& wanted) {
  std::vector<std::string> words = program_words(kScanner, context);
  if (wanted.json) words.emplace_back("--json");
  if (wanted.all) words.emplace_back("--all");
  if (wanted.files) words.insert(words.end(), {"--files", std::to_string(*wanted.files)});
  if (wanted.scheme) words.insert(words.end(), {"--urltype", *wanted.scheme});
  return words;
}

int become_scanner(Context& context, const Wanted& wanted, std::vector<std::string> words) {
  words.emplace_back("--");
  if (wanted.identifiers.empty()) context.database();  // complains as all commands do
  for (const db::MirrorRecord& record : require_mirrors(context, wanted.identifiers))
    words.push_back(record.mirror.identifier);
  become_program(kScanner, words);
}

int run_test(Context& context, const Wanted& wanted) {
  if (wanted.all == !wanted.identifiers.empty())
    throw UsageError("test: name mirrors, or say --all for every enabled mirror");
  std::vector<std::string> words = words_for(context, wanted);
  words.emplace_back("--test");
  return become_scanner(context, wanted, std::move(words));
}

int run_probefile(Context& context, const Wanted& wanted) {
  if (wanted.all && !wanted.identifiers.empty())
    throw UsageError("probefile: give --all or names of mirrors, not both");
  std::vector<std::string> words = words_for(context, wanted);
  words.push_back("--ask=" + tree_path(wanted.path, "a file's path"));
  return become_scanner(context, wanted, std::move(words));
}

}  // namespace

Action setup_test(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("identifiers", wanted->identifiers, "The mirrors")->type_name("IDENT");
  app.add_flag("-a,--all", wanted->all, "Every enabled mirror");
  app.add_option("--files", wanted->files, "Random files to ask each mirror for (3)")
      ->between(0, 100)
      ->type_name("N");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run_test(context, *wanted); };
}

Action setup_probefile(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("path", wanted->path, "The file's path in the tree, known or not")
      ->required()
      ->type_name("PATH");
  app.add_option("identifiers", wanted->identifiers,
                 "Ask these mirrors; without one, every enabled mirror")
      ->type_name("IDENT");
  app.add_flag("-a,--all", wanted->all, "Disabled mirrors too");
  app.add_option("--urltype", wanted->scheme,
                 "By this scheme only; else by https where there is one")
      ->one_of({"http", "https"})
      ->type_name("SCHEME");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run_probefile(context, *wanted); };
}

}  // namespace mirror::mb
