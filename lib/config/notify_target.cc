#include "config/notify_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/sections.h"
#include "core/path.h"

namespace mirror {
namespace {

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
  static const std::vector<std::string> kStates = {"up",    "down",      "good",    "stale",
                                                   "wrong", "returning", "enabled", "disabled",
                                                   "scan",  "paused",    "resumed"};
  if (Fault fault = read_strings(node, into); !fault.empty()) return fault;
  for (const std::string& state : into) {
    if (std::find(kStates.begin(), kStates.end(), state) == kStates.end())
      return "expected some of up, down, good, stale, wrong, returning, enabled, disabled, scan, "
             "paused and "
             "resumed";
  }
  return kFine;
}

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

}  // namespace

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

}  // namespace mirror
