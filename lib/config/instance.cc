#include "config/instance.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/read_value.h"
#include "config/sections.h"
#include "core/number.h"
#include "core/path.h"
#include "core/url.h"
#include "pg/conninfo.h"

namespace mirror {
namespace {

Fault read_source(const toml::node& node, std::string& into) {
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  if (into.starts_with('/')) return kFine;
  const bool in_bucket = into.starts_with("s3://");
  if (!in_bucket && !into.starts_with("rsync://"))
    return "expected an absolute path, or an rsync:// or s3:// URL";
  const UrlFault fault = check_url(into, in_bucket ? UrlKind::s3 : UrlKind::rsync);
  return fault ? fmt::format("the URL cannot be used: {}", fault.text()) : kFine;
}

// Below a tree's root.
Fault read_path(const toml::node& node, std::string& into) {
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  const PathFault fault = check_path(into);
  if (into.empty() || fault == PathFault::none) return kFine;
  return fmt::format("expected a path below the tree's root: {}", path_fault_text(fault));
}

// Two hours of the day: 22-6.
Fault read_hours(const toml::node& node, std::string& into) {
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  const std::size_t dash = std::min(into.find('-'), into.size());
  const auto first = whole_number<int>(std::string_view(into).substr(0, dash));
  const auto past =
      whole_number<int>(std::string_view(into).substr(std::min(dash + 1, into.size())));
  const bool fits = first && past && *first >= 0 && *first <= 23 && *past >= 0 && *past <= 24;
  if (into.empty() || (fits && into.size() <= 5)) return kFine;
  return "expected two hours of the day, as 22-6";
}

// Goes into a header, inside of a comment (RFC 9110 §5.6.5).
Fault read_contact(const toml::node& node, std::string& into) {
  constexpr std::size_t kMaxBytes = 200;
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  const bool fits = std::all_of(into.begin(), into.end(), [](char c) {
    return c >= ' ' && c <= '~' && c != '(' && c != ')' && c != '\\';
  });
  if (fits && into.size() <= kMaxBytes) return kFine;
  return "expected a URL or an e-mail address in ASCII, without parentheses";
}

Fault read_url(const toml::node& node, UrlKind kind, std::string& into) {
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  const UrlFault fault = check_url(into, kind);
  return fault ? fmt::format("the URL cannot be used: {}", fault.text()) : kFine;
}

Fault read_file_names(const toml::node& node, std::vector<std::string>& into) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_type(node, "an array of file names");
  for (const toml::node& entry : *list) {
    if (Fault fault = read_file_name(entry, into.emplace_back()); !fault.empty()) {
      return fmt::format("entry {}: {}", into.size(), fault);
    }
  }
  return kFine;
}

Fault read_patterns(const toml::node& node, std::vector<std::string>& into) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_type(node, "an array of patterns");
  into.clear();
  for (const toml::node& entry : *list) {
    std::string& pattern = into.emplace_back();
    if (Fault fault = read_string(entry, pattern); !fault.empty())
      return fmt::format("entry {}: {}", into.size(), fault);
    if (pattern.find_first_not_of('/') == std::string::npos)
      return fmt::format("entry {}: expected a pattern with more than slashes", into.size());
  }
  return kFine;
}

Fault read_conninfo(const toml::node& node, std::string& into) {
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  try {
    db::database_name(into);
    return kFine;
  } catch (const std::invalid_argument& error) {
    return fmt::format("not a libpq connection string: {}", printable(error.what()));
  }
}

// Digests of the file itself; one that tells versions apart is required.
Fault read_digests(const toml::node& node, HashKinds& kinds) {
  static constexpr std::pair<const char*, bool HashKinds::*> kNames[] = {
      {"md5", &HashKinds::md5},       {"sha1", &HashKinds::sha1},
      {"sha256", &HashKinds::sha256}, {"sha512", &HashKinds::sha512},
      {"pieces", &HashKinds::pieces}, {"merkle", &HashKinds::merkle}};
  const toml::array* list = node.as_array();
  if (list == nullptr)
    return wrong_type(node, "an array of md5, sha1, sha256, sha512, pieces and merkle");
  for (const auto& [name, member] : kNames) kinds.*member = false;
  for (const toml::node& entry : *list) {
    const auto* text = entry.as_string();
    const auto known = std::find_if(std::begin(kNames), std::end(kNames), [&](const auto& pair) {
      return text != nullptr && text->get() == pair.first;
    });
    if (known == std::end(kNames))
      return "expected some of md5, sha1, sha256, sha512, pieces and merkle";
    kinds.*(known->second) = true;
  }
  if (!kinds.sha256 && !kinds.sha512)
    return "expected sha256 or sha512 among them: mod_mirror needs one to tell versions of a file "
           "apart";
  return kFine;
}

constexpr Key<MirrorOptions> kMirrorKeys[] = {
    {"rsync_password_file",
     [](const toml::node& n, MirrorOptions& m) {
       return read_file_name(n, m.rsync_password_file);
     }},
    {"ftp_password_file",
     [](const toml::node& n, MirrorOptions& m) { return read_file_name(n, m.ftp_password_file); }},
};

constexpr Key<HashOptions> kHashKeys[] = {
    {"digests", [](const toml::node& n, HashOptions& h) { return read_digests(n, h.kinds); }},
    {"zsync", [](const toml::node& n, HashOptions& h) { return read_boolean(n, h.kinds.zsync); }},
    {"signatures",
     [](const toml::node& n, HashOptions& h) { return read_boolean(n, h.kinds.signature); }},
    {"jobs", [](const toml::node& n, HashOptions& h) { return read_integer(n, h.jobs, 0, 256); }},
    {"max_rate", [](const toml::node& n,
                    HashOptions& h) { return read_integer(n, h.max_rate, 0, 1'000'000'000'000); }},
};

constexpr Key<Instance> kInstanceKeys[] = {
    {"database", [](const toml::node& n, Instance& i) { return read_conninfo(n, i.database); }},
    {"source", [](const toml::node& n, Instance& i) { return read_source(n, i.source); }},
    {"source_url",
     [](const toml::node& n, Instance& i) { return read_url(n, UrlKind::web_base, i.source_url); }},
    {"catalog", [](const toml::node& n, Instance& i) { return read_file_name(n, i.catalog); }},
    {"geo_databases",
     [](const toml::node& n, Instance& i) { return read_file_names(n, i.geo_databases); }},
    {"server_urls", [](const toml::node& n,
                       Instance& i) { return read_urls(n, UrlKind::web_base, i.server_urls); }},
    {"jobs", [](const toml::node& n, Instance& i) { return read_integer(n, i.jobs, 1, 1000); }},
    {"max_shrink_percent",
     [](const toml::node& n, Instance& i) { return read_number(n, i.max_shrink_percent, 0, 100); }},
    {"max_change_percent",
     [](const toml::node& n, Instance& i) { return read_number(n, i.max_change_percent, 0, 100); }},
    {"grace_hours",
     [](const toml::node& n, Instance& i) { return read_number(n, i.grace_hours, 0, 24 * 365); }},
    {"connect_timeout_s",
     [](const toml::node& n, Instance& i) {
       return read_integer(n, i.connect_timeout_s, 1, 86400);
     }},
    {"idle_timeout_s",
     [](const toml::node& n, Instance& i) { return read_integer(n, i.idle_timeout_s, 1, 86400); }},
    {"max_scan_minutes",
     [](const toml::node& n, Instance& i) {
       return read_number(n, i.max_scan_minutes, 0.01, 7 * 24 * 60);
     }},
    {"contact", [](const toml::node& n, Instance& i) { return read_contact(n, i.contact); }},
    {"max_scan_age_hours",
     [](const toml::node& n, Instance& i) {
       return read_number(n, i.max_scan_age_hours.emplace(), 0, 24 * 365);
     }},
    {"max_age_hours",
     [](const toml::node& n, Instance& i) { return read_number(n, i.max_age_hours, 0, 9999); }},
    {"stamp_path", [](const toml::node& n, Instance& i) { return read_path(n, i.stamp_path); }},
    {"stamp_url",
     [](const toml::node& n, Instance& i) { return read_url(n, UrlKind::page, i.stamp_url); }},
    {"max_entries",
     [](const toml::node& n, Instance& i) {
       return read_integer(n, i.max_entries, 1, 1'000'000'000'000);
     }},
    {"head_budget", [](const toml::node& n,
                       Instance& i) { return read_integer(n, i.head_budget, 1, 100'000'000); }},
    {"slow_after_s",
     [](const toml::node& n, Instance& i) { return read_integer(n, i.slow_after_s, 1, 86400); }},
    {"scan_interval_hours",
     [](const toml::node& n, Instance& i) {
       return read_number(n, i.scan_interval_hours, 0.001, 9999);
     }},
    {"scan_hours", [](const toml::node& n, Instance& i) { return read_hours(n, i.scan_hours); }},
    {"disable_after_scans",
     [](const toml::node& n, Instance& i) {
       return read_integer(n, i.disable_after_scans, 0, 10000);
     }},
    {"disable_after_days",
     [](const toml::node& n, Instance& i) { return read_number(n, i.disable_after_days, 0, 365); }},
    {"hash_touched_s",
     [](const toml::node& n, Instance& i) { return read_integer(n, i.hash_touched_s, 0, 86400); }},
    {"probe_interval_s", [](const toml::node& n,
                            Instance& i) { return read_integer(n, i.probe_interval_s, 1, 86400); }},
    {"probe_files",
     [](const toml::node& n, Instance& i) { return read_integer(n, i.probe_files, 1, 100); }},
    {"probe_content_s",
     [](const toml::node& n, Instance& i) {
       return read_integer(n, i.probe_content_s, 1, 31622400);
     }},
    {"rescan_after_s", [](const toml::node& n,
                          Instance& i) { return read_integer(n, i.rescan_after_s, 1, 31622400); }},
    {"probe_timeout_s",
     [](const toml::node& n, Instance& i) { return read_integer(n, i.probe_timeout_s, 1, 300); }},
    {"fresh_requests",
     [](const toml::node& n, Instance& i) { return read_integer(n, i.fresh_requests, 0, 60000); }},
    {"probe_control",
     [](const toml::node& n, Instance& i) { return read_urls(n, UrlKind::page, i.probe_control); }},
    {"probe_ca", [](const toml::node& n, Instance& i) { return read_file_name(n, i.probe_ca); }},
    {"exclude", [](const toml::node& n, Instance& i) { return read_patterns(n, i.exclude); }},
    {"immutable", [](const toml::node& n, Instance& i) { return read_globs(n, i.immutable); }},
    {"preset", [](const toml::node& n, Instance& i) { return read_presets(n, i.presets); }},
};

// Of listing mirrors (scanner/list/methods.cc).
constexpr const char* kMethods[] = {"rsync", "s3", "http", "ftp", "head"};

Instance read_instance(const toml::key& name, const toml::node& node, const std::string& file) {
  Instance instance;
  instance.name = name.str();
  const std::string section = fmt::format("[instance.{}]", printable(instance.name));
  const toml::table& table = as_table(node, file, section);
  read_keys(table, file, section, kInstanceKeys, instance,
            {"mirror", "hash", "mutable", "options"});
  if (const toml::node* groups = table.get("mutable"))
    read_mutable(*groups, file, section, instance.mutable_groups);
  instance.rules = rules_of(instance);
  if (const toml::node* hash = table.get("hash")) {
    const std::string inner = fmt::format("[instance.{}.hash]", printable(instance.name));
    read_keys(as_table(*hash, file, inner), file, inner, kHashKeys, instance.hash);
  }
  if (const toml::node* options = table.get("options")) {
    const std::string inner = fmt::format("[instance.{}.options]", printable(instance.name));
    for (const auto& [method, words] : as_table(*options, file, inner)) {
      const std::string name(method.str());
      if (std::find(std::begin(kMethods), std::end(kMethods), name) == std::end(kMethods))
        fail_unknown(method, file, inner, {std::begin(kMethods), std::end(kMethods)});
      if (Fault fault = read_strings(words, instance.listing_options[name]); !fault.empty())
        fail_at(words.source(), file, fmt::format("{}: {}", printable(name), fault));
    }
  }
  if (const toml::node* mirrors = table.get("mirror")) {
    for (const auto& [mirror, options] : as_table(*mirrors, file, "mirror")) {
      const std::string inner = fmt::format("[instance.{}.mirror.\"{}\"]", printable(instance.name),
                                            printable(mirror.str()));
      read_keys(as_table(options, file, inner), file, inner, kMirrorKeys,
                instance.mirrors[std::string(mirror.str())]);
    }
  }
  return instance;
}

struct Document {
  std::vector<Instance> instances;  // in the file's order
  std::vector<NotifyTarget> notify;
  std::optional<std::string> default_instance;
  toml::source_region default_place;
};

Document read_document(std::string_view text, const std::string& file) {
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    fail_at(error.source(), file, printable(error.description()));
  } catch (const MalformedToml&) {
    throw ConfigError(fmt::format("{}: not valid TOML", file));
  }
  Document document;
  std::vector<std::pair<toml::source_position, Instance>> found;
  for (const auto& [key, node] : root) {
    if (key.str() == "default_instance") {
      const Fault fault = read_string(node, document.default_instance.emplace());
      document.default_place = node.source();
      if (!fault.empty()) fail_at(node.source(), file, "default_instance: " + fault);
    } else if (key.str() == "instance") {
      for (const auto& [name, section] : as_table(node, file, "instance")) {
        found.emplace_back(name.source().begin, read_instance(name, section, file));
      }
    } else if (key.str() == "notify") {
      document.notify = read_notify(node, file);
    } else {
      fail_unknown(key, file, "the top level", {"default_instance", "instance", "notify"});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& entry : found) document.instances.push_back(std::move(entry.second));
  return document;
}

std::vector<std::string> names_of(const Document& document) {
  std::vector<std::string> names;
  for (const Instance& instance : document.instances) names.push_back(instance.name);
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + printable(name);
  return text.empty() ? "none" : text;
}

Instance choose(Document document, const std::string& file,
                const std::optional<std::string>& wanted) {
  const std::vector<std::string> names = names_of(document);
  if (names.empty())
    throw ConfigError(fmt::format("{}: no instance: expected a section [instance.NAME]", file));
  if (!wanted && !document.default_instance && names.size() > 1) {
    throw ConfigError(
        fmt::format("{}: several instances and no default_instance: choose one with --instance: {}",
                    file, listed(names)));
  }
  const std::string name = wanted ? *wanted : document.default_instance.value_or(names.front());
  const auto position = std::find(names.begin(), names.end(), name);
  if (position == names.end()) {
    const std::string what =
        fmt::format("no instance '{}' here; there are: {}", printable(name), listed(names));
    if (!wanted) fail_at(document.default_place, file, "default_instance: " + what);
    throw ConfigError(fmt::format("{}: {}", file, what));
  }
  Instance& chosen = document.instances[position - names.begin()];
  for (NotifyTarget& target : document.notify) {
    if (target.instance.empty() || target.instance == name)
      chosen.notify.push_back(std::move(target));
  }
  return std::move(chosen);
}

}  // namespace

Instance parse_instance(std::string_view text, const std::string& file,
                        const std::optional<std::string>& instance) {
  return choose(read_document(text, file), file, instance);
}

std::vector<std::string> parse_instance_names(std::string_view text, const std::string& file) {
  return names_of(read_document(text, file));
}

std::vector<std::string> default_exclude() {
  std::string rsync_temporary = ".?*.";
  for (int i = 0; i < 6; ++i) rsync_temporary += "[A-Za-z0-9]";
  return {".~tmp~/", ".rsync-partial/", ".rsync-tmp/", ".nfs*", "*.partial", rsync_temporary};
}

}  // namespace mirror
