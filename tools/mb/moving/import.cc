// mb import: takes mirrors over from another system, or from `mb export`.
#include <fmt/core.h>

#include <algorithm>
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
  bool dry_run = false, update = false, disabled = false, json = false;
  bool hashes = false;  // those of files instead of mirrors
};

// What became of each, by its name.
struct Outcome {
  std::vector<std::string> added, updated, unchanged, exist;
  std::vector<std::pair<std::string, std::string>> refused;  // and why
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

// What no column has goes to what is left out.
void keep_known_columns(MovedMirrors& moved) {
  const std::vector<db::MirrorColumn>& known = db::mirror_columns();
  for (MovedMirror& mirror : moved.mirrors) {
    const auto unknown = std::stable_partition(
        mirror.columns.begin(), mirror.columns.end(), [&](const auto& column) {
          return std::any_of(known.begin(), known.end(),
                             [&](const db::MirrorColumn& one) { return column.first == one.name; });
        });
    for (auto column = unknown; column != mirror.columns.end(); ++column)
      mirror.leave_out(column->first, column->second);
    mirror.columns.erase(unknown, mirror.columns.end());
  }
}

class Import {
 public:
  Import(db::Connection& connection, const Wanted& wanted)
      : connection_(connection), wanted_(wanted) {}

  // All in one transaction, which a dry run gives up.
  Outcome run(const MovedMirrors& moved) {
    db::Transaction transaction(connection_);
    for (const MovedMirror& mirror : moved.mirrors) {
      try {
        db::Savepoint part(connection_);
        take(mirror);
        part.release();
      } catch (const db::Error& error) {
        if (connection_.broken()) throw;
        outcome_.refused.emplace_back(mirror.identifier, error.what());
      }
    }
    if (!wanted_.dry_run) transaction.commit();
    return std::move(outcome_);
  }

 private:
  void take(const MovedMirror& mirror) {
    if (!seen_.insert(mirror.identifier).second) throw db::Error("it is there twice", "23505");
    const auto known = db::find_mirror(connection_, mirror.identifier);
    if (!known) {
      add(mirror);
      outcome_.added.push_back(mirror.identifier);
    } else if (!wanted_.update) {
      outcome_.exist.push_back(mirror.identifier);
    } else {
      (update(*known, mirror) ? outcome_.updated : outcome_.unchanged).push_back(mirror.identifier);
    }
  }

  void add(const MovedMirror& mirror) {
    std::vector<db::Change> columns;
    for (const auto& column : mirror.columns) {
      if (!column.second.empty() && !(wanted_.disabled && column.first == "enabled"))
        columns.push_back(column);
    }
    add_region(columns);
    const MirrorId id = db::insert_mirror(connection_, mirror.identifier, columns);
    add_served(id, mirror);
    add_comments(id, mirror);
  }

  // Whether one of them is new.
  bool add_comments(MirrorId id, const MovedMirror& mirror) {
    bool added = false;
    for (const moving::MovedComment& one : mirror.comments)
      added = db::restore_comment(connection_, id, {one.at_s, one.by, one.text}) || added;
    return added;
  }

  void add_served(MirrorId id, const MovedMirror& mirror) {
    for (const std::string& served :
         std::set(mirror.serves_first.begin(), mirror.serves_first.end())) {
      db::remove_mirror_prefix(connection_, id, served);
      db::add_mirror_prefix(connection_, id, served);
    }
  }

  // Whether something differs afterwards.
  bool update(const db::MirrorRecord& before, const MovedMirror& mirror) {
    const MirrorId id = before.mirror.id;
    std::vector<db::Change> columns = mirror.columns;
    add_region(columns);
    if (!columns.empty()) db::update_mirror(connection_, id, columns);
    add_served(id, mirror);
    return add_comments(id, mirror) ||
           to_json(*db::find_mirror(connection_, mirror.identifier)) != to_json(before);
  }

  db::Connection& connection_;
  const Wanted& wanted_;
  Outcome outcome_;
  std::set<std::string> seen_;
};

nlohmann::json report(const MovedMirrors& moved, const Outcome& outcome, bool dry_run) {
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

void say_outcome(const MovedMirrors& moved, const Outcome& outcome, const Wanted& wanted) {
  say_each(wanted.dry_run ? "would be added" : "added", outcome.added);
  say_each(wanted.dry_run ? "would be updated" : "updated", outcome.updated);
  say_each("is there already: --update changes it", outcome.exist);
  for (const MovedMirror& mirror : moved.mirrors)
    for (const std::string& what : mirror.left_out)
      say(fmt::format("mirror '{}': left out: {}", mirror.identifier, what));
  for (const std::string& what : moved.left_out) say("left out: " + what);
  for (const auto& [name, why] : outcome.refused)
    complain(fmt::format("mirror '{}' cannot be taken over: {}", printable(name), why));
  say(fmt::format(
      "{}{} of {} mirrors: {} added, {} updated, {} as they were, {} there already, {} refused",
      wanted.dry_run ? "nothing is changed; " : "", moved.mirrors.size() - outcome.refused.size(),
      moved.mirrors.size(), outcome.added.size(), outcome.updated.size(), outcome.unchanged.size(),
      outcome.exist.size(), outcome.refused.size()));
  if (!wanted.dry_run && !outcome.added.empty())
    say("next: mb scan --enable NAME for each that is disabled, mb scan --all for the others");
}

int run(Context& context, const Wanted& wanted, MovedMirrors moved) {
  keep_known_columns(moved);
  const Outcome outcome = Import(context.database(), wanted).run(moved);
  bool good = outcome.refused.empty();
  if (!wanted.dry_run) {
    for (const auto* names : {&outcome.added, &outcome.updated})
      for (const std::string& name : *names)
        good = keep_own_url_out(context, require_mirror(context, name).mirror) && good;
  }
  wanted.json ? say_json(report(moved, outcome, wanted.dry_run))
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
  app.add_flag("--dry-run", wanted->dry_run, "Try it, say what would happen, and change nothing");
  app.add_flag("--update", wanted->update, "Change mirrors that are there already, too");
  app.add_flag("--disabled", wanted->disabled, "Add mirrors disabled, whatever they were");
  app.add_flag("--json", wanted->json, "What happened, as JSON");
  if (has_hashes)
    app.add_flag("--hashes", wanted->hashes,
                 "Take over the digests of files instead of mirrors, after mb-scan --source");
  const bool is_file = std::string_view(name) == "FILE";
  return [&context, wanted, read, is_file] {
    wanted->name = is_file ? wanted->from + ":" : db::database_name(wanted->from);
    if (wanted->hashes) {
      return read_from(*wanted, [&] {
        return import_hashes(context, wanted->from, wanted->dry_run, wanted->json);
      });
    }
    return run(context, *wanted, read_from(*wanted, [&] { return read(*wanted); }));
  };
}

constexpr const char* kFileHelp = "The file; - is standard input";

// Of a format in a file.
template <typename Read>
Action setup_file(cli::Options& app, Context& context, const char* help, Read read) {
  return setup(app, context, "FILE", help,
               [read](const Wanted& wanted) { return read(read_text(wanted.from)); });
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
                    moving::read_json);
}
Action setup_import_csv(cli::Options& app, Context& context) {
  return setup_file(
      app, context,
      "A table with the columns of `mb export csv`, or some of them; - is standard input",
      moving::read_csv);
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
