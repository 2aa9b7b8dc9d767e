#include "pg/conninfo.h"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <random>
#include <stdexcept>
#include <string_view>

namespace mirror::db {
namespace {

using ParsedOptions = std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)>;

// Those that have a value.
ConnectionOptions with_value(const PQconninfoOption* option) {
  ConnectionOptions found;
  for (; option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val != nullptr) found.emplace_back(option->keyword, option->val);
  }
  return found;
}

// libpq quotes a whole URI in some of its complaints, a password in it too.
std::string fault_text(const char* said, const std::string& conninfo) {
  std::string reason = said != nullptr ? said : "out of memory";
  reason.erase(std::min(reason.find(": \"" + conninfo), reason.size()));
  reason.erase(reason.find_last_not_of('\n') + 1);
  return reason;
}

// What the string itself says.
ConnectionOptions parse(const std::string& conninfo) {
  char* message = nullptr;
  const ParsedOptions options(PQconninfoParse(conninfo.c_str(), &message), PQconninfoFree);
  const std::unique_ptr<char, void (*)(void*)> said(message, PQfreemem);
  if (options == nullptr) throw std::invalid_argument(fault_text(said.get(), conninfo));
  return with_value(options.get());
}

// With what service files and the environment add: libpq tells only of a connection, and makes none
// with an sslmode it does not know.
ConnectionOptions completed(const std::string& conninfo) {
  const char* keys[] = {"dbname", "sslmode", nullptr};
  const char* values[] = {conninfo.c_str(), "none that exists", nullptr};
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectStartParams(keys, values, 1),
                                                              PQfinish);
  return with_value(ParsedOptions(PQconninfo(connection.get()), PQconninfoFree).get());
}

std::string value_of(const ConnectionOptions& options, std::string_view keyword) {
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const auto& option) { return option.first == keyword; });
  return found != options.end() ? found->second : std::string();
}

// An empty value takes the keyword away, since libpq ignores it.
ConnectionOptions with(ConnectionOptions options, const char* keyword, const std::string& value) {
  std::erase_if(options, [&](const auto& option) { return option.first == keyword; });
  if (!value.empty()) options.emplace_back(keyword, value);
  return options;
}

// The string's number is kept if it is from 1 to `most`.
ConnectionOptions with_at_most(ConnectionOptions options, const char* keyword, int most) {
  const std::string said = value_of(options, keyword);
  int number = 0;
  const auto [end, error] = std::from_chars(said.data(), said.data() + said.size(), number);
  const bool stands =
      error == std::errc() && end == said.data() + said.size() && number >= 1 && number <= most;
  return stands ? options : with(std::move(options), keyword, std::to_string(most));
}

ConnectionOptions never_silent(ConnectionOptions options) {
  options = with(std::move(options), "keepalives", "1");
  options = with_at_most(std::move(options), "keepalives_idle", kProbeAfterSeconds);
  options = with_at_most(std::move(options), "keepalives_interval", kProbeEverySeconds);
  options = with_at_most(std::move(options), "keepalives_count", kProbes);
  return with_at_most(std::move(options), "tcp_user_timeout", kSilenceSeconds * 1000);
}

// Empty for an empty list.
std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> items;
  for (std::size_t begin = 0; !list.empty() && begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    items.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

// libpq looks at ports only when it connects; an empty one is the default.
void check_ports(const std::string& list) {
  for (const std::string& port : split(list)) {
    int number = 0;
    const char* end = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data(), end, number);
    if (port.empty() || (error == std::errc() && stop == end && number >= 1 && number <= 65535))
      continue;
    throw std::invalid_argument("\"" + port + "\" is not a port from 1 to 65535");
  }
}

}  // namespace

std::string database_name(const std::string& conninfo) {
  std::string name;
  for (const auto& [keyword, value] : parse(conninfo)) {
    if (keyword == "port") check_ports(value);
    const bool shown = keyword == "service" || keyword == "host" || keyword == "hostaddr" ||
                       keyword == "port" || keyword == "dbname";
    if (shown) name.append(name.empty() ? "" : " ").append(keyword).append("=").append(value);
  }
  return name.empty() ? "libpq's default database" : name;
}

std::vector<std::string> environment_of(const std::string& conninfo) {
  const ConnectionOptions said = parse(conninfo);
  const ParsedOptions known(PQconndefaults(), PQconninfoFree);
  std::vector<std::string> variables;
  for (const PQconninfoOption* option = known.get();
       option != nullptr && option->keyword != nullptr; ++option) {
    const std::string value = value_of(said, option->keyword);
    if (option->envvar != nullptr && !value.empty())
      variables.push_back(std::string(option->envvar) + "=" + value);
  }
  return variables;
}

ConnectionOptions all_hosts(const std::string& conninfo) { return never_silent(parse(conninfo)); }

std::vector<ConnectionOptions> single_hosts(const std::string& conninfo) {
  const ConnectionOptions said = all_hosts(conninfo);
  const ConnectionOptions whole = completed(conninfo);
  const auto hosts = split(value_of(whole, "host")), addresses = split(value_of(whole, "hostaddr"));
  const auto ports = split(value_of(whole, "port"));
  const std::size_t count = std::max(hosts.size(), addresses.size());
  const auto fits = [&](const auto& list, std::size_t other) {
    return list.size() == count || list.size() == other;
  };
  if (count < 2 || !fits(hosts, 0) || !fits(addresses, 0) || !(fits(ports, 0) || fits(ports, 1)))
    return {said};

  std::vector<ConnectionOptions> attempts;
  for (std::size_t i = 0; i < count; ++i) {
    const auto item = [&](const auto& list) {
      return list.empty() ? std::string() : list[std::min(i, list.size() - 1)];
    };
    attempts.push_back(with(with(with(said, "host", item(hosts)), "hostaddr", item(addresses)),
                            "port", item(ports)));
  }
  if (value_of(whole, "load_balance_hosts") == "random")
    std::shuffle(attempts.begin(), attempts.end(), std::random_device());
  if (value_of(whole, "target_session_attrs") != "prefer-standby") return attempts;

  // All hosts are asked for a standby before any is taken as it is.
  for (std::size_t i = 0; i < count; ++i) {
    attempts.push_back(with(attempts[i], "target_session_attrs", "any"));
    attempts[i] = with(attempts[i], "target_session_attrs", "standby");
  }
  return attempts;
}

}  // namespace mirror::db
