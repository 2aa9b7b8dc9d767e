#include "status.h"

#include <fmt/format.h>

#include <ctime>
#include <utility>
#include <vector>

#include "catalog/error.h"
#include "child.h"
#include "core/encode.h"

namespace mirror::httpd {
namespace {

struct MirrorTraffic {
  std::string identifier;
  double mbit = 0;
  int max_mbit = 0;
};

struct Row {
  std::string directory, state, fault, pause = "no";
  std::int64_t rev = 0, mirrors_rev = 0, age_s = 0, files = 0;
  catalog::Environment::Size size;
  std::vector<MirrorTraffic> traffic;  // of the mirrors that have some, or a cap
};

std::vector<MirrorTraffic> traffic_of(const std::string& directory, const MirrorTable& mirrors) {
  std::vector<MirrorTraffic> all;
  for (const Mirror& mirror : mirrors.all()) {
    const double mbit = child()->traffic->mbit(Traffic::number_of(directory, mirror.id),
                                               static_cast<std::int64_t>(std::time(nullptr)));
    if (mbit > 0 || mirror.max_mbit > 0) all.push_back({mirror.identifier, mbit, mirror.max_mbit});
  }
  return all;
}

Row row_of(CatalogKeeper& keeper) {
  Row row;
  row.directory = keeper.catalog().directory().path();
  row.fault = keeper.fault();
  if (row.fault.empty()) row.fault = "none";
  const auto environment = keeper.catalog().environment();
  if (environment == nullptr) {
    row.state = keeper.catalog().unusable() ? "damaged" : "none yet";
    return row;
  }
  try {
    const catalog::Snapshot snapshot(environment);
    const catalog::Meta& meta = snapshot->meta();
    row.state = meta.complete ? "in use" : "incomplete";
    row.rev = meta.rev;
    row.mirrors_rev = meta.mirrors_rev;
    row.age_s =
        std::max<std::int64_t>(0, static_cast<std::int64_t>(std::time(nullptr)) - keeper.as_of_s());
    row.files = static_cast<std::int64_t>(snapshot->files());
    row.size = environment->size();
    if (const auto& pause = snapshot->mirrors()->pause()) row.pause = pause->text();
    row.traffic = traffic_of(row.directory, *snapshot->mirrors());
  } catch (const catalog::Error& error) {
    row.state = error.what();
  }
  return row;
}

void write_html(request_rec* r, const Row& row) {
  std::string directory, state, fault;
  append_markup(directory, row.directory, Markup::html);
  append_markup(state, row.pause == "no" ? row.state : row.state + ", paused " + row.pause,
                Markup::html);
  append_markup(fault, row.fault, Markup::html);
  ap_rprintf(r,
             "<tr><td>%s</td><td>%s</td><td>%" APR_INT64_T_FMT "</td><td>%" APR_INT64_T_FMT
             "</td><td>%" APR_INT64_T_FMT " s</td><td>%" APR_INT64_T_FMT "</td><td>%" APR_SIZE_T_FMT
             " of %" APR_SIZE_T_FMT " MB</td><td>%u of %u</td><td>%s</td></tr>\n",
             directory.c_str(), state.c_str(), static_cast<apr_int64_t>(row.rev),
             static_cast<apr_int64_t>(row.mirrors_rev), static_cast<apr_int64_t>(row.age_s),
             static_cast<apr_int64_t>(row.files), row.size.used_bytes >> 20,
             row.size.max_bytes >> 20, row.size.readers, row.size.max_readers, fault.c_str());
}

void write_lines(request_rec* r, std::size_t number, const Row& row) {
  const std::string lines = fmt::format(
      "MirrorCatalog{0}Directory: {1}\nMirrorCatalog{0}State: {2}\nMirrorCatalog{0}Revision: {3}\n"
      "MirrorCatalog{0}MirrorsRevision: {4}\nMirrorCatalog{0}AgeSeconds: "
      "{5}\nMirrorCatalog{0}Files: {6}\n"
      "MirrorCatalog{0}Bytes: {7}\nMirrorCatalog{0}MaxBytes: {8}\nMirrorCatalog{0}Readers: {9}\n"
      "MirrorCatalog{0}MaxReaders: {10}\nMirrorCatalog{0}Fault: {11}\nMirrorCatalog{0}Paused: "
      "{12}\n",
      number, row.directory, row.state, row.rev, row.mirrors_rev, row.age_s, row.files,
      row.size.used_bytes, row.size.max_bytes, row.size.readers, row.size.max_readers, row.fault,
      row.pause);
  ap_rputs(lines.c_str(), r);
  for (const MirrorTraffic& mirror : row.traffic) {
    ap_rputs(fmt::format("MirrorCatalog{}Traffic: {} {:.3f} Mbit/s of {}\n", number,
                         mirror.identifier, mirror.mbit, mirror.max_mbit)
                 .c_str(),
             r);
  }
}

void write_traffic(request_rec* r, const std::vector<Row>& rows) {
  bool any = false;
  for (const Row& row : rows) {
    for (const MirrorTraffic& mirror : row.traffic) {
      if (!std::exchange(any, true)) {
        ap_rputs(
            "<h2>Mirrors: redirected traffic</h2>\n<table border=\"0\"><tr><th>catalog</th>"
            "<th>mirror</th><th>Mbit/s</th><th>at most</th></tr>\n",
            r);
      }
      std::string directory, identifier;
      append_markup(directory, row.directory, Markup::html);
      append_markup(identifier, mirror.identifier, Markup::html);
      const std::string cap = mirror.max_mbit > 0 ? std::to_string(mirror.max_mbit) : "no limit";
      ap_rputs(fmt::format("<tr><td>{}</td><td>{}</td><td>{:.1f}</td><td>{}</td></tr>\n", directory,
                           identifier, mirror.mbit, cap)
                   .c_str(),
               r);
    }
  }
  if (any) ap_rputs("</table>\n", r);
}

}  // namespace

void write_status(request_rec* r, bool short_form) {
  const Child* self = child();
  if (self == nullptr) return;
  std::vector<Row> rows;
  for (const auto& keeper : self->catalogs) {
    if (keeper != nullptr) rows.push_back(row_of(*keeper));
  }
  if (short_form) {
    for (std::size_t number = 0; number < rows.size(); ++number)
      write_lines(r, number, rows[number]);
    return;
  }
  if (rows.empty()) return;
  ap_rputs(
      "<hr />\n<h2>Mirrors: catalogs</h2>\n<table "
      "border=\"0\"><tr><th>directory</th><th>state</th><th>revision</th>"
      "<th>mirrors' revision</th><th>age</th><th>files</th><th>size</th><th>reader "
      "slots</th><th>fault</th></tr>\n",
      r);
  for (const Row& row : rows) write_html(r, row);
  ap_rputs("</table>\n", r);
  write_traffic(r, rows);
}

}  // namespace mirror::httpd
