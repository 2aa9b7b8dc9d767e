// mb edit and mb weight: change a mirror's columns, and say the old and the new values.
#include <fmt/core.h>

#include <algorithm>

#include "tools/mb/commands.h"
#include "tools/mb/mirrors/edit.h"
#include "tools/mb/mirrors/host_place.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/mirrors/selection.h"
#include "tools/mb/mirrors/weight_view.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

std::string shown(const std::string& value) { return value.empty() ? "''" : value; }

// The host that clients are sent to, else the one that is scanned.
std::string host_of(const db::MirrorRecord& record) {
  const db::Endpoint* const rsync = record.endpoint("rsync");
  return first_host(
      {record.mirror.https_url, record.mirror.http_url, rsync ? rsync->url : std::string()});
}

// What the GeoIP databases say of a host, as options of mb edit; "" when they know nothing.
std::string place_options(const Client& found) {
  std::string text;
  if (found.country.known()) text += fmt::format(" --country {}", found.country.text());
  if (found.place)
    text +=
        fmt::format(" --latitude={} --longitude={}", found.place->latitude, found.place->longitude);
  if (found.asn != 0) text += fmt::format(" --asn {}", found.asn);
  return text;
}

// A mirror that moved to another host keeps its place, which only the administrator may know. So
// say where GeoIP sees the new host.
void complain_of_old_place(Context& context, const db::MirrorRecord& before,
                           const db::MirrorRecord& after) {
  const std::string was = host_of(before), is = host_of(after);
  const Mirror& mirror = after.mirror;
  const bool kept = mirror.country == before.mirror.country && mirror.asn == before.mirror.asn &&
                    mirror.place == before.mirror.place;
  if (was == is || is.empty() || !kept || (!mirror.country.known() && mirror.asn == 0)) return;
  const Client found = locate_all(context.geo(), resolve(is).addresses);
  if (found.country == mirror.country && found.asn == mirror.asn) return;
  const std::string options = place_options(found);
  complain(
      fmt::format("the host was {}, and the mirror still has the place of that host ({}{}{}){}",
                  was, mirror.country.text(), mirror.country.known() && mirror.asn != 0 ? ", " : "",
                  as_text(mirror.asn),
                  options.empty() ? "; see `mb edit --help`"
                                  : fmt::format("; for the place of {} run: mb edit {}{}", is,
                                                mirror.identifier, options)));
}

struct Changed {
  db::MirrorRecord before, after;
};

// All of them or none.
std::vector<Changed> change(Context& context, const std::vector<db::MirrorRecord>& records,
                            const std::vector<db::Change>& changes, bool dry_run) {
  db::Connection& connection = context.database();
  std::vector<Changed> changed;
  Attempt attempt(connection, dry_run);
  for (const db::MirrorRecord& before : records) {
    try {
      db::update_mirror(connection, before.mirror.id, changes);
    } catch (const db::Error& error) {
      if (records.size() < 2 || connection.broken()) throw;
      throw Failure(fmt::format("mirror '{}': {}; nothing is changed", before.mirror.identifier,
                                error.what()));
    }
    changed.push_back({before, require_mirror(context, before.mirror.identifier, Naming::whole)});
  }
  attempt.finish();
  return changed;
}

int run(Context& context, const Selection& selection, const std::string& name,
        const std::vector<db::Change>& changes) {
  const std::vector<db::MirrorRecord> records =
      selection.mirrors(context, name.empty() ? std::vector<std::string>() : std::vector{name});
  if (!selection.agreed(records)) return kFailure;
  int status = kSuccess;
  for (const Changed& one : change(context, records, changes, selection.dry_run()))
    status = std::max(status, tell_change(context, one.before, one.after, selection.dry_run()));
  return status;
}

struct Edit {
  explicit Edit(cli::Options& app) : columns(app) {}
  std::string identifier;
  Selection selection{"edit"};
  ColumnOptions columns;
};

struct Weight {
  std::string first;
  std::optional<std::string> second;
  Selection selection{"weight"};
  bool json = false;
};

// With --where the number stands alone.
int set_weight(Context& context, const Weight& wanted) {
  const bool alone = wanted.selection.by_condition();
  if (!alone && !wanted.first.empty() && !wanted.second)
    return show_weight(context, wanted.first, wanted.json);
  if (wanted.second.has_value() == alone)
    throw UsageError(alone ? "weight: expected a number alone with --where"
                           : "weight: expected a mirror and a number; see `mb weight --help`");
  return run(context, wanted.selection, alone ? "" : wanted.first,
             {{"weight", alone ? wanted.first : *wanted.second}});
}

}  // namespace

// The database may have normalised what was given.
std::string differences(const db::MirrorRecord& before, const db::MirrorRecord& after) {
  std::string text;
  const auto add = [&](std::string_view name, const std::string& was, const std::string& is) {
    if (was != is)
      text += fmt::format("{}{} {} → {}", text.empty() ? "" : ", ", name, shown(was), shown(is));
  };
  add("identifier", before.mirror.identifier, after.mirror.identifier);
  for (const db::MirrorColumn& column : db::mirror_columns())
    add(column.name, db::column_text(before, column), db::column_text(after, column));
  add("serves_first", served_first(before.mirror, ","), served_first(after.mirror, ","));
  return text;
}

int tell_change(Context& context, const db::MirrorRecord& before, const db::MirrorRecord& after,
                bool dry_run) {
  const std::string text = differences(before, after);
  say(fmt::format("{}mirror '{}': {}", dry_run && !text.empty() ? "would change " : "",
                  before.mirror.identifier, text.empty() ? "nothing to change" : text));
  complain_of_old_place(context, before, after);
  return dry_run || keep_own_url_out(context, after.mirror) ? kSuccess : kFailure;
}

Action setup_edit(cli::Options& app, Context& context) {
  auto edit = std::make_shared<Edit>(app);
  app.add_option("identifier", edit->identifier, "The mirror")->type_name("IDENT");
  edit->selection.add_options(app);
  app.footer(
      "An empty value ('') clears a column. Without columns, the mirror's settings are opened in "
      "$VISUAL or $EDITOR.");
  return [&context, edit] {
    auto changes = edit->columns.changes();
    if (changes.empty() && !edit->identifier.empty() && !edit->selection.by_condition())
      return edit_in_editor(context, edit->identifier, edit->selection.dry_run());
    if (changes.empty())
      throw UsageError("edit: nothing to change: give at least one column; see `mb edit --help`");
    add_region(changes);
    const int status = run(context, edit->selection, edit->identifier, changes);
    complain_of_countries(edit->columns);
    return status;
  };
}

Action setup_weight(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Weight>();
  app.add_option("identifier", wanted->first, "The mirror")->type_name("IDENT");
  app.add_option("weight", wanted->second,
                 "100 is normal, 0 takes no redirects; without it, show what it does")
      ->type_name("NUMBER");
  wanted->selection.add_options(app);
  app.add_flag("--json", wanted->json, "Without a number: as JSON");
  return [&context, wanted] { return set_weight(context, *wanted); };
}

}  // namespace mirror::mb
