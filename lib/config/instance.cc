#include "config/instance.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/presets.h"
#include "core/nearest.h"
#include "core/path.h"
#include "core/url.h"
#include "pg/conninfo.h"

namespace {
struct MalformedToml {};
constexpr void expect(bool holds) {
  if (!holds) throw MalformedToml();
}
}  // namespace

// The parser alone: nothing of it is shared with other translation units. Odd texts ("[[[") break
// what it takes for granted, which would end the program, or be undefined with NDEBUG.
#undef NDEBUG
#define TOML_ASSERT(expr) expect(static_cast<bool>(expr))
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace mirror {
namespace {

[[noreturn]] void fail_at(const toml::source_region& place, const std::string& file,
                          const std::string& what) {
  throw ConfigError(fmt::format("{}:{}:{}: {}", file, place.begin.line, place.begin.column, what));
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a float";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

// What is wrong with a value beyond its type: "" when nothing is. Every reader below returns one of
// these.
using Fault = std::string;
const Fault kFine;

Fault wrong_type(const toml::node& node, std::string_view expected) {
  return fmt::format("expected {}, not {}", expected, type_name(node));
}

Fault read_string(const toml::node& node, std::string& into) {
  const auto* value = node.as_string();
  if (value == nullptr) return wrong_type(node, "a string");
  if (value->get().find('\0') != std::string::npos) return "expected a string without NUL";
  into = value->get();
  return kFine;
}

Fault read_file_name(const toml::node& node, std::string& into) {
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  return into.starts_with('/') ? kFine : "expected an absolute path, which begins with '/'";
}

Fault read_source(const toml::node& node, std::string& into) {
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  if (into.starts_with('/')) return kFine;
  if (!into.starts_with("rsync://")) return "expected an absolute path or an rsync:// URL";
  const UrlFault fault = check_url(into, UrlKind::rsync);
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

Fault read_urls(const toml::node& node, UrlKind kind, std::vector<std::string>& into) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_type(node, "an array of URLs");
  for (const toml::node& entry : *list) {
    std::string& url = into.emplace_back();
    if (Fault fault = read_string(entry, url); !fault.empty())
      return fmt::format("entry {}: {}", into.size(), fault);
    if (const UrlFault fault = check_url(url, kind))
      return fmt::format("entry {}: the URL cannot be used: {}", into.size(), fault.text());
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

Fault read_globs(const toml::node& node, std::vector<std::string>& into) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_type(node, "an array of patterns");
  if (list->size() > kMaxPathGlobs)
    return fmt::format("expected at most {} patterns", kMaxPathGlobs);
  for (const toml::node& entry : *list) {
    std::string& glob = into.emplace_back();
    if (Fault fault = read_string(entry, glob); !fault.empty())
      return fmt::format("entry {}: {}", into.size(), fault);
    if (const std::string fault = PathGlob::fault(glob); !fault.empty())
      return fmt::format("entry {}, '{}': {}", into.size(), printable(glob), fault);
  }
  return kFine;
}

Fault read_names(const toml::node& node, std::vector<std::string>& into) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_type(node, "an array of names of files");
  for (const toml::node& entry : *list) {
    if (Fault fault = read_string(entry, into.emplace_back()); !fault.empty())
      return fmt::format("entry {}: {}", into.size(), fault);
  }
  return kFine;
}

// One name, or an array of them.
Fault read_presets(const toml::node& node, std::vector<std::string>& into) {
  Fault fault = node.is_array() ? read_names(node, into) : read_string(node, into.emplace_back());
  for (const std::string& name : into) {
    if (!fault.empty() || find_preset(name) != nullptr) continue;
    std::vector<std::string> known;
    for (const Preset& preset : presets()) known.emplace_back(preset.name);
    fault = fmt::format("there is no preset '{}'; expected one of: {}", printable(name),
                        fmt::format("{}", fmt::join(known, ", ")));
  }
  return fault;
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

template <typename Integer>
Fault read_integer(const toml::node& node, Integer& into, std::int64_t low, std::int64_t high) {
  const auto* value = node.as_integer();
  const std::string expected = fmt::format("an integer from {} to {}", low, high);
  if (value == nullptr) return wrong_type(node, expected);
  if (value->get() < low || value->get() > high)
    return fmt::format("expected {}, not {}", expected, value->get());
  into = static_cast<Integer>(value->get());
  return kFine;
}

Fault read_number(const toml::node& node, double& into, double low, double high) {
  const std::string expected = fmt::format("a number from {} to {}", low, high);
  if (!node.is_number()) return wrong_type(node, expected);
  const double value = *node.value<double>();
  if (!(value >= low && value <= high)) return fmt::format("expected {}, not {}", expected, value);
  into = value;
  return kFine;
}

Fault read_boolean(const toml::node& node, bool& into) {
  const auto* value = node.as_boolean();
  if (value == nullptr) return wrong_type(node, "true or false");
  into = value->get();
  return kFine;
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

Fault read_strings(const toml::node& node, std::vector<std::string>& into) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_type(node, "an array of strings");
  into.clear();
  for (const toml::node& entry : *list) {
    std::string& text = into.emplace_back();
    if (Fault fault = read_string(entry, text); !fault.empty())
      return fmt::format("entry {}: {}", into.size(), fault);
    if (text.empty()) return fmt::format("entry {} is empty", into.size());
  }
  return kFine;
}

Fault read_choice(const toml::node& node, std::string& into,
                  const std::vector<std::string>& choices) {
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  if (std::find(choices.begin(), choices.end(), into) != choices.end()) return kFine;
  std::string expected;
  for (const std::string& one : choices) expected += (expected.empty() ? "" : ", ") + one;
  return fmt::format("expected one of {}", expected);
}

// It becomes an argument of sendmail and a line of a header.
Fault address_fault(const std::string& address) {
  const bool odd = std::any_of(address.begin(), address.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == ',' || c == '<' || c == '>';
  });
  const std::size_t at = address.find('@');
  if (odd || address.starts_with('-') || at == 0 || at == address.npos || at + 1 == address.size())
    return fmt::format("'{}' is not an address like name@host", printable(address));
  return kFine;
}

Fault read_addresses(const toml::node& node, std::vector<std::string>& into) {
  if (Fault fault = read_strings(node, into); !fault.empty()) return fault;
  for (const std::string& address : into) {
    if (Fault fault = address_fault(address); !fault.empty()) return fault;
  }
  return kFine;
}

Fault read_address(const toml::node& node, std::string& into) {
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  return address_fault(into);
}

// Its message does not show the URL, which is often a secret.
Fault read_webhook(const toml::node& node, std::string& into) {
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  if (const UrlFault fault = check_url(into, UrlKind::page))
    return fmt::format("the URL cannot be used: {}", fault.text());
  return kFine;
}

Fault read_program(const toml::node& node, std::vector<std::string>& into) {
  if (Fault fault = read_strings(node, into); !fault.empty()) return fault;
  return !into.empty() && into[0].starts_with('/')
             ? kFine
             : "expected a program with its absolute path, and its arguments";
}

Fault read_events(const toml::node& node, std::vector<std::string>& into) {
  static const std::vector<std::string> kStates = {
      "up", "down", "good", "stale", "wrong", "returning", "enabled", "disabled", "scan"};
  if (Fault fault = read_strings(node, into); !fault.empty()) return fault;
  for (const std::string& state : into) {
    if (std::find(kStates.begin(), kStates.end(), state) == kStates.end())
      return "expected some of up, down, good, stale, wrong, returning, enabled, disabled and scan";
  }
  return kFine;
}

// One key of a section of type Owner; the manual page mb.toml(5) documents each.
template <typename Owner>
struct Key {
  const char* name;
  Fault (*read)(const toml::node& node, Owner& owner);
};

constexpr Key<MirrorOptions> kMirrorKeys[] = {
    {"rsync_password_file",
     [](const toml::node& n, MirrorOptions& m) {
       return read_file_name(n, m.rsync_password_file);
     }},
};

Fault read_hours(const toml::node& node, double& seconds) {
  int hours = 0;
  const Fault fault = read_integer(node, hours, 0, 366 * 24);
  seconds = hours * 3600.0;
  return fault;
}

constexpr Key<MutableRule> kMutableKeys[] = {
    {"folder", [](const toml::node& n, MutableRule& r) { return read_string(n, r.folder); }},
    {"anchors", [](const toml::node& n, MutableRule& r) { return read_names(n, r.anchors); }},
    {"signatures", [](const toml::node& n, MutableRule& r) { return read_names(n, r.signatures); }},
    {"alternates_hours",
     [](const toml::node& n, MutableRule& r) { return read_hours(n, r.alternates_s); }},
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
    {"max_scan_age_hours",
     [](const toml::node& n, Instance& i) {
       return read_number(n, i.max_scan_age_hours, 0, 24 * 365);
     }},
    {"max_entries",
     [](const toml::node& n, Instance& i) {
       return read_integer(n, i.max_entries, 1, 1'000'000'000'000);
     }},
    {"slow_after_s",
     [](const toml::node& n, Instance& i) { return read_integer(n, i.slow_after_s, 1, 86400); }},
    {"hash_touched_s",
     [](const toml::node& n, Instance& i) { return read_integer(n, i.hash_touched_s, 0, 86400); }},
    {"probe_interval_s", [](const toml::node& n,
                            Instance& i) { return read_integer(n, i.probe_interval_s, 1, 86400); }},
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

constexpr Key<NotifyTarget> kNotifyKeys[] = {
    {"name", [](const toml::node& n, NotifyTarget& t) { return read_string(n, t.name); }},
    {"instance", [](const toml::node& n, NotifyTarget& t) { return read_string(n, t.instance); }},
    {"command", [](const toml::node& n, NotifyTarget& t) { return read_program(n, t.command); }},
    {"email", [](const toml::node& n, NotifyTarget& t) { return read_addresses(n, t.email); }},
    {"operators",
     [](const toml::node& n, NotifyTarget& t) { return read_boolean(n, t.operators); }},
    {"webhook", [](const toml::node& n, NotifyTarget& t) { return read_webhook(n, t.webhook); }},
    {"webhook_file",
     [](const toml::node& n, NotifyTarget& t) { return read_file_name(n, t.webhook_file); }},
    {"form",
     [](const toml::node& n, NotifyTarget& t) {
       return read_choice(n, t.form, {"json", "slack", "discord", "matrix", "ntfy"});
     }},
    {"token_file",
     [](const toml::node& n, NotifyTarget& t) { return read_file_name(n, t.token_file); }},
    {"from", [](const toml::node& n, NotifyTarget& t) { return read_address(n, t.from); }},
    {"sendmail",
     [](const toml::node& n, NotifyTarget& t) { return read_file_name(n, t.sendmail); }},
    {"events", [](const toml::node& n, NotifyTarget& t) { return read_events(n, t.events); }},
    {"mirrors", [](const toml::node& n, NotifyTarget& t) { return read_strings(n, t.mirrors); }},
    {"group_s",
     [](const toml::node& n, NotifyTarget& t) { return read_integer(n, t.group_s, 0, 86400); }},
    {"max_per_hour",
     [](const toml::node& n, NotifyTarget& t) { return read_integer(n, t.max_per_hour, 1, 3600); }},
    {"timeout_s",
     [](const toml::node& n, NotifyTarget& t) { return read_integer(n, t.timeout_s, 1, 600); }},
};

[[noreturn]] void fail_unknown(const toml::key& key, const std::string& file,
                               std::string_view section, const std::vector<std::string>& known) {
  const std::string suggestion = did_you_mean(key.str(), known);
  std::string expected;
  for (const std::string& name : known) expected += (expected.empty() ? "" : ", ") + name;
  fail_at(key.source(), file,
          fmt::format(
              "unknown key '{}' in {}{}", printable(key.str()), section,
              suggestion.empty() ? fmt::format("; expected one of: {}", expected) : suggestion));
}

// `tables`: keys that are sections of their own, read by the caller.
template <typename Owner, std::size_t N>
void read_keys(const toml::table& table, const std::string& file, const std::string& section,
               const Key<Owner> (&keys)[N], Owner& owner,
               const std::vector<std::string>& tables = {}) {
  std::vector<std::string> known = tables;
  for (const auto& key : keys) known.push_back(key.name);
  for (const auto& [name, node] : table) {
    if (std::find(tables.begin(), tables.end(), name.str()) != tables.end()) continue;
    const auto* key = std::find_if(std::begin(keys), std::end(keys),
                                   [&name = name](const auto& k) { return name.str() == k.name; });
    if (key == std::end(keys)) fail_unknown(name, file, section, known);
    if (const Fault fault = key->read(node, owner); !fault.empty()) {
      fail_at(node.source(), file, fmt::format("{}: {}", key->name, fault));
    }
  }
}

const toml::table& as_table(const toml::node& node, const std::string& file,
                            const std::string& name) {
  if (!node.is_table())
    fail_at(node.source(), file, fmt::format("{}: {}", name, wrong_type(node, "a table")));
  return *node.as_table();
}

void read_mutable(const toml::node& node, const std::string& file, const std::string& section,
                  std::vector<MutableRule>& into) {
  const std::string inner = fmt::format("[{}.mutable]]", section.substr(0, section.size() - 1));
  const toml::array* list = node.as_array();
  if (list == nullptr)
    fail_at(node.source(), file,
            fmt::format("mutable: {}", wrong_type(node, "tables, each as [[….mutable]]")));
  for (const toml::node& entry : *list) {
    MutableRule& rule = into.emplace_back();
    read_keys(as_table(entry, file, inner), file, inner, kMutableKeys, rule);
    if (const std::string fault = rule.fault(); !fault.empty())
      fail_at(entry.source(), file, fmt::format("mutable: {}", printable(fault)));
  }
}

PathRules rules_of(const Instance& instance) {
  std::vector<std::string> immutable = instance.immutable;
  std::vector<MutableRule> groups = instance.mutable_groups;
  for (const std::string& name : instance.presets) {
    const Preset& preset = *find_preset(name);
    immutable.insert(immutable.end(), preset.immutable.begin(), preset.immutable.end());
    groups.insert(groups.end(), preset.groups.begin(), preset.groups.end());
  }
  return PathRules(immutable, groups);
}

Instance read_instance(const toml::key& name, const toml::node& node, const std::string& file) {
  Instance instance;
  instance.name = name.str();
  const std::string section = fmt::format("[instance.{}]", printable(instance.name));
  const toml::table& table = as_table(node, file, section);
  read_keys(table, file, section, kInstanceKeys, instance, {"mirror", "hash", "mutable"});
  if (const toml::node* groups = table.get("mutable"))
    read_mutable(*groups, file, section, instance.mutable_groups);
  instance.rules = rules_of(instance);
  if (const toml::node* hash = table.get("hash")) {
    const std::string inner = fmt::format("[instance.{}.hash]", printable(instance.name));
    read_keys(as_table(*hash, file, inner), file, inner, kHashKeys, instance.hash);
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

std::vector<NotifyTarget> read_notify(const toml::node& node, const std::string& file) {
  const toml::array* list = node.as_array();
  if (list == nullptr)
    fail_at(node.source(), file, "notify: expected [[notify]], with two brackets");
  std::vector<NotifyTarget> targets;
  for (const toml::node& entry : *list) {
    const auto fail = [&](const std::string& what) {
      fail_at(entry.source(), file, "[[notify]]: " + what);
    };
    NotifyTarget target;
    read_keys(as_table(entry, file, "[[notify]]"), file, "[[notify]]", kNotifyKeys, target);
    if (target.name.empty()) fail("it needs a name");
    if (!target.command.empty() + !target.email.empty() + target.operators +
            !target.webhook.empty() + !target.webhook_file.empty() !=
        1)
      fail("it needs just one of command, email, operators, webhook and webhook_file");
    for (const NotifyTarget& other : targets) {
      if (other.name == target.name)
        fail(fmt::format("there are two with the name '{}'", printable(target.name)));
    }
    targets.push_back(std::move(target));
  }
  return targets;
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
