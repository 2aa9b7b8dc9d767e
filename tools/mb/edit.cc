// mb edit and mb weight: change a mirror's columns, and say the old and the new values.
#include <fmt/core.h>

#include "commands.h"
#include "host_place.h"
#include "output.h"
#include "record.h"
#include "weight_view.h"

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

// Changes a mirror and says what differs afterwards: the database may have normalised what was
// given.
int change(Context& context, const std::string& identifier,
           const std::vector<db::Change>& changes) {
  const db::MirrorRecord before = require_mirror(context, identifier);
  db::update_mirror(context.database(), before.mirror.id, changes);
  const db::MirrorRecord after = require_mirror(context, identifier);
  std::string differences;
  for (const db::MirrorColumn& column : db::mirror_columns()) {
    const std::string was = db::column_text(before, column), is = db::column_text(after, column);
    if (was == is) continue;
    differences += fmt::format("{}{} {} → {}", differences.empty() ? "" : ", ", column.name,
                               shown(was), shown(is));
  }
  say(fmt::format("mirror '{}': {}", identifier,
                  differences.empty() ? "nothing to change" : differences));
  complain_of_old_place(context, before, after);
  return keep_own_url_out(context, after.mirror) ? kSuccess : kFailure;
}

struct Edit {
  explicit Edit(cli::Options& app) : columns(app) {}
  std::string identifier;
  ColumnOptions columns;
};

struct Weight {
  std::string identifier;
  std::optional<std::string> weight;
  bool json = false;
};

}  // namespace

Action setup_edit(cli::Options& app, Context& context) {
  auto edit = std::make_shared<Edit>(app);
  app.add_option("identifier", edit->identifier, "The mirror")->required()->type_name("IDENT");
  app.footer("An empty value ('') clears a column.");
  return [&context, edit] {
    auto changes = edit->columns.changes();
    if (changes.empty())
      throw UsageError("edit: nothing to change: give at least one column; see `mb edit --help`");
    add_region(changes);
    const int status = change(context, edit->identifier, changes);
    complain_of_countries(edit->columns);
    return status;
  };
}

Action setup_weight(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Weight>();
  app.add_option("identifier", wanted->identifier, "The mirror")->required()->type_name("IDENT");
  app.add_option("weight", wanted->weight,
                 "100 is normal, 0 takes no redirects; without it, show what it does")
      ->type_name("NUMBER");
  app.add_flag("--json", wanted->json, "Show it as JSON");
  return [&context, wanted] {
    if (!wanted->weight) return show_weight(context, wanted->identifier, wanted->json);
    return change(context, wanted->identifier, {{"weight", *wanted->weight}});
  };
}

}  // namespace mirror::mb
