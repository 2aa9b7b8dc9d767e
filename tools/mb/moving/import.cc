// mb import: takes mirrors over from another system, or from `mb export`.
#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <set>
#include <utility>

#include "core/path.h"
#include "moving/formats.h"
#include "pg/conninfo.h"
#include "tools/mb/commands.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/moving/import_hashes.h"
#include "tools/mb/moving/import_write.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

using moving::MovedMirror;
using moving::MovedMirrors;

constexpr std::size_t kMaxBytes = std::size_t{256} << 20;

struct Wanted {
  std::string from;     // a file, - or a conninfo
  std::string name;     // of it, in messages
  std::string section;  // of the formats that have several trees
  ImportWishes wishes;
  bool json = false;
  bool hashes = false;   // those of files instead of mirrors
  bool is_ours = false;  // an export of mb's, or a table of its columns
};

std::string read_text(const std::string& from) {
  std::string text;
  const auto read = [&](std::istream& in) {
    char piece[1 << 16];
    while (in.read(piece, sizeof piece) || in.gcount() > 0) {
      text.append(piece, static_cast<std::size_t>(in.gcount()));
      if (text.size() > kMaxBytes)
        throw Failure(fmt::format("{}: has more than 256 MiB", printable(from)));
    }
    if (in.bad()) throw Failure(fmt::format("{}: cannot be read", printable(from)));
  };
  if (from == "-") {
    read(std::cin);
    return text;
  }
  std::ifstream in(from, std::ios::binary);
  if (!in) throw Failure(fmt::format("{}: {}", printable(from), std::strerror(errno)));
  read(in);
  return text;
}

nlohmann::json report(const MovedMirrors& moved, const ImportOutcome& outcome, bool dry_run) {
  nlohmann::json json = {{"dry_run", dry_run},
                         {"added", outcome.added},
                         {"updated", outcome.updated},
                         {"unchanged", outcome.unchanged},
                         {"already_there", outcome.exist}};
  json["refused"] = nlohmann::json::object();
  for (const auto& [name, why] : outcome.refused) json["refused"][name] = why;
  json["left_out"] = nlohmann::json::object();
  for (const MovedMirror& mirror : moved.mirrors)
    if (!mirror.left_out.empty()) json["left_out"][mirror.identifier] = mirror.left_out;
  json["left_out_of_all"] = moved.left_out;
  return json;
}

void say_each(const char* words, const std::vector<std::string>& names) {
  for (const std::string& name : names) say(fmt::format("mirror '{}' {}", name, words));
}

void say_outcome(const MovedMirrors& moved, const ImportOutcome& outcome, const Wanted& wanted) {
  say_each(wanted.wishes.dry_run ? "would be added" : "added", outcome.added);
  say_each(wanted.wishes.dry_run ? "would be updated" : "updated", outcome.updated);
  say_each("is there already: --update changes it", outcome.exist);
  for (const MovedMirror& mirror : moved.mirrors)
    for (const std::string& what : mirror.left_out)
      say(fmt::format("mirror '{}': left out: {}", mirror.identifier, what));
  for (const std::string& what : moved.left_out) say("left out: " + what);
  for (const auto& [name, why] : outcome.refused)
    complain(fmt::format("mirror '{}' cannot be taken over: {}", printable(name), why));
  say(fmt::format(
      "{}{} of {} mirrors: {} added, {} updated, {} as they were, {} there already, {} refused",
      wanted.wishes.dry_run ? "nothing is changed; " : "",
      moved.mirrors.size() - outcome.refused.size(), moved.mirrors.size(), outcome.added.size(),
      outcome.updated.size(), outcome.unchanged.size(), outcome.exist.size(),
      outcome.refused.size()));
  if (wanted.wishes.dry_run || outcome.added.empty()) return;
  say("next: mb update --all looks up IPv6, ASes and places; --dry-run shows what would change");
  say("next: mb scan --enable NAME for each that is disabled, mb scan --all for the others");
}

// Whether none of them redirects to itself. Those that do are disabled.
bool keep_own_urls_out(Context& context, const ImportOutcome& outcome) {
  std::set<std::string_view> changed(outcome.added.begin(), outcome.added.end());
  changed.insert(outcome.updated.begin(), outcome.updated.end());
  if (changed.empty()) return true;
  bool good = true;
  for (const db::MirrorRecord& record : db::list_mirrors(context.database()))
    if (changed.contains(record.mirror.identifier))
      good = keep_own_url_out(context, record.mirror) && good;
  return good;
}

int run(Context& context, const Wanted& wanted, MovedMirrors moved) {
  keep_known_columns(moved);
  check_countries(moved, wanted.is_ours);
  const ImportOutcome outcome = import_mirrors(context.database(), moved, wanted.wishes);
  bool good = outcome.refused.empty();
  if (!wanted.wishes.dry_run) good = keep_own_urls_out(context, outcome) && good;
  wanted.json ? say_json(report(moved, outcome, wanted.wishes.dry_run))
              : say_outcome(moved, outcome, wanted);
  return good ? kSuccess : kFailure;
}

template <typename Read>
auto read_from(const Wanted& wanted, Read read) {
  try {
    return read();
  } catch (const moving::FormatError& error) {
    throw Failure(fmt::format("{} {}", printable(wanted.name), error.what()));
  }
}

template <typename Read>
Action setup(cli::Options& app, Context& context, const char* name, const char* help, Read read,
             const char* sections = nullptr, bool has_hashes = false) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("from", wanted->from, help)->required()->type_name(name);
  if (sections != nullptr)
    app.add_option("--section", wanted->section, sections)->type_name("NAME");
  app.add_flag("--dry-run", wanted->wishes.dry_run,
               "Try it, say what would happen, and change nothing");
  app.add_flag("--update", wanted->wishes.update, "Change mirrors that are there already, too");
  app.add_flag("--disabled", wanted->wishes.disabled,
               "Add mirrors disabled, whatever they were, and enable none");
  app.add_flag("--json", wanted->json, "What happened, as JSON");
  if (has_hashes)
    app.add_flag("--hashes", wanted->hashes,
                 "Take over the digests of files instead of mirrors, after mb-scan --source");
  const bool is_file = std::string_view(name) == "FILE";
  return [&context, wanted, read, is_file] {
    wanted->name = !is_file              ? db::database_name(wanted->from)
                   : wanted->from == "-" ? "standard input:"
                                         : wanted->from + ":";
    if (wanted->hashes) {
      return read_from(*wanted, [&] {
        return import_hashes(context, wanted->from, wanted->wishes.dry_run, wanted->json);
      });
    }
    MovedMirrors moved = read_from(*wanted, [&] { return read(*wanted); });
    return run(context, *wanted, std::move(moved));
  };
}

constexpr const char* kFileHelp = "The file; - is standard input";

// Of a format in a file.
template <typename Read>
Action setup_file(cli::Options& app, Context& context, const char* help, Read read,
                  bool is_ours = false) {
  return setup(app, context, "FILE", help, [read, is_ours](Wanted& wanted) {
    wanted.is_ours = wanted.wishes.may_enable = is_ours;
    return read(read_text(wanted.from));
  });
}

template <typename Read>
Action setup_database(cli::Options& app, Context& context, Read read, bool has_hashes = false) {
  return setup(
      app, context, "CONNINFO",
      "Its database, as libpq names it: host=… dbname=…, or postgresql://…; nothing is changed "
      "there",
      [read](const Wanted& wanted) {
        db::Connection connection(wanted.from, "mb import");
        connection.script("SET default_transaction_read_only = on; SET search_path = public");
        return read(connection);
      },
      nullptr, has_hashes);
}

}  // namespace

Action setup_import_json(cli::Options& app, Context& context) {
  return setup_file(app, context, "What `mb export json` wrote; - is standard input",
                    moving::read_json, true);
}
Action setup_import_csv(cli::Options& app, Context& context) {
  return setup_file(
      app, context,
      "A table with the columns of `mb export csv`, or some of them; - is standard input",
      moving::read_csv, true);
}
Action setup_import_masterlist(cli::Options& app, Context& context) {
  return setup(
      app, context, "FILE", kFileHelp,
      [](const Wanted& wanted) {
        return moving::read_masterlist(read_text(wanted.from),
                                       wanted.section.empty() ? "Archive" : wanted.section);
      },
      "Which of its archives: Archive (the default), CDImage, Ports, …");
}
Action setup_import_gentoo(cli::Options& app, Context& context) {
  return setup_file(app, context, kFileHelp, moving::read_gentoo);
}
Action setup_import_mirrorbits(cli::Options& app, Context& context) {
  return setup_file(
      app, context,
      "What `mirrorbits show`, its exports or redis-cli HGETALL printed; - is standard input",
      moving::read_mirrorbits);
}
Action setup_import_mirrormanager(cli::Options& app, Context& context) {
  return setup(
      app, context, "FILE",
      "The JSON that doc/examples/mirrormanager.sql makes of its database; - is standard input",
      [](const Wanted& wanted) {
        return moving::read_mirrormanager(read_text(wanted.from), wanted.section);
      },
      "Which of its categories, as 'Fedora Linux'; needed if there are several");
}
Action setup_import_mirrorbrain(cli::Options& app, Context& context) {
  return setup_database(app, context, moving::read_mirrorbrain, true);
}
Action setup_import_mirrorcache(cli::Options& app, Context& context) {
  return setup_database(app, context, moving::read_mirrorcache);
}

}  // namespace mirror::mb
