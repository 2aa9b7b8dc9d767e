#include "status.h"

#include <fmt/format.h>

#include <ctime>

#include "catalog/error.h"
#include "child.h"
#include "core/encode.h"

namespace mirror::httpd {
namespace {

struct Row {
  std::string directory, state, fault;
  std::int64_t rev = 0, mirrors_rev = 0, age_s = 0, files = 0;
  catalog::Environment::Size size;
};

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
  } catch (const catalog::Error& error) {
    row.state = error.what();
  }
  return row;
}

void write_html(request_rec* r, const Row& row) {
  std::string directory, state, fault;
  append_markup(directory, row.directory, Markup::html);
  append_markup(state, row.state, Markup::html);
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
      "MirrorCatalog{0}MaxReaders: {10}\nMirrorCatalog{0}Fault: {11}\n",
      number, row.directory, row.state, row.rev, row.mirrors_rev, row.age_s, row.files,
      row.size.used_bytes, row.size.max_bytes, row.size.readers, row.size.max_readers, row.fault);
  ap_rputs(lines.c_str(), r);
}

}  // namespace

void write_status(request_rec* r, bool short_form) {
  const Child* self = child();
  if (self == nullptr) return;
  bool any = false;
  std::size_t number = 0;
  for (const auto& keeper : self->catalogs) {
    if (keeper == nullptr) continue;
    if (!any && !short_form) {
      ap_rputs(
          "<hr />\n<h2>Mirrors: catalogs</h2>\n<table "
          "border=\"0\"><tr><th>directory</th><th>state</th><th>revision</th>"
          "<th>mirrors' revision</th><th>age</th><th>files</th><th>size</th><th>reader "
          "slots</th><th>fault</th></tr>\n",
          r);
    }
    any = true;
    const Row row = row_of(*keeper);
    if (short_form) {
      write_lines(r, number++, row);
    } else {
      write_html(r, row);
    }
  }
  if (any && !short_form) ap_rputs("</table>\n", r);
}

}  // namespace mirror::httpd
