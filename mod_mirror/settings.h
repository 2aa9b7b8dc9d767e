// What each directive does to a configuration, and what a section takes from the one around it. A
// template does where it fits; the others have a function each.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <type_traits>

#include "directives.h"
#include "values.h"

namespace mirror::httpd::settings {

// What a directive is in; nullopt where there is not exactly one prefix, for example in a <Files>.
std::optional<Root> root_of(const Line& line);
// Whether the line says None and nothing else.
bool is_none(const Line& line);

// One value, read by a function of its word.
template <auto Field, auto Parse>
void set(const Line& line, DirConfig& config) {
  config.*Field = Parse(line.words[0]);
}

template <auto Field>
void inherit(DirConfig& own, const DirConfig& parent, apr_pool_t*) {
  if (!(own.*Field)) own.*Field = parent.*Field;
}

// A list to which MirrorBrain's directives may have added.
template <auto Field, auto Joins>
void inherit_list(DirConfig& own, const DirConfig& parent, apr_pool_t* pool) {
  using List = std::remove_pointer_t<std::remove_reference_t<decltype(own.*Field)>>;
  if (own.*Field != nullptr && (!(own.*Joins) || parent.*Field == nullptr)) return;
  if (own.*Field == nullptr) {
    own.*Field = parent.*Field;
  } else {
    auto* both = pool_new<List>(pool, *(parent.*Field));
    both->insert(both->end(), (own.*Field)->begin(), (own.*Field)->end());
    own.*Field = both;
  }
  own.*Joins = parent.*Joins;
}

template <auto Field>
auto& list_of(const Line& line, DirConfig& config) {
  using List = std::remove_pointer_t<std::remove_reference_t<decltype(config.*Field)>>;
  if (config.*Field == nullptr) config.*Field = pool_new<List>(line.cmd->pool);
  return *(config.*Field);
}

// A list that lines add to; `None` empties it, so that a section can have none although its parent
// has some.
template <auto Field, auto Parse>
void append(const Line& line, DirConfig& config) {
  auto& list = list_of<Field>(line, config);
  if (is_none(line)) return list.clear();
  for (const char* word : line.words) list.push_back(Parse(line.cmd->pool, word));
}

// HTML, read from a file.
template <auto Field>
void set_page(const Line& line, DirConfig& config) {
  config.*Field = nullptr;
  if (is_none(line)) return;
  const char* file = ap_server_root_relative(line.cmd->pool, line.words[0]);
  if (file == nullptr) throw BadValue(fmt::format("'{}' is not a file name", line.words[0]));
  config.*Field = pool_string(line.cmd->pool, read_page(file));
}

void inherit_masks(DirConfig& own, const DirConfig& parent, apr_pool_t* pool);
void set_engine(const Line& line, DirConfig& config);
void inherit_engine(DirConfig& own, const DirConfig& parent, apr_pool_t*);
void set_database(const Line& line, DirConfig& config);
void set_catalog(const Line& line, DirConfig& config);
void set_catalog_max_size(const Line& line, DirConfig&);
void set_catalog_hashes(const Line& line, DirConfig&);
void set_tree(const Line& line, DirConfig& config);
void set_down(const Line& line, DirConfig& config);
void set_last_resort(const Line& line, DirConfig& config);
void set_origin(const Line& line, DirConfig& config);
void add_fallback(const Line& line, DirConfig& config);
void set_stamp_key(const Line& line, DirConfig& config);
void add_repository(const Line& line, DirConfig& config);
void set_publisher(const Line& line, DirConfig& config);
void add_tracker_tier(const Line& line, DirConfig& config);
void add_dht_nodes(const Line& line, DirConfig& config);
void set_representations(const Line& line, DirConfig& config);
void set_style_sheet(const Line& line, DirConfig& config);
void add_geo_database(const Line& line, DirConfig&);
void set_max_connections(const Line& line, DirConfig&);
void set_timeout(const Line& line, DirConfig&);
void set_first_arrival(const Line& line, DirConfig& config);
void set_first_arrival_rest(const Line& line, DirConfig& config);
void set_explain(const Line& line, DirConfig& config);
void set_compat(const Line& line, DirConfig& config);

}  // namespace mirror::httpd::settings
