#include "db/mirror/mirrors.h"

#include <fmt/format.h>

#include <algorithm>

#include "db/mirror/constraints.h"
#include "db/mirror/members.h"

namespace mirror::db {
namespace {

Reader last_readable(Connection& connection) {
  const Result may =
      connection.run("SELECT has_column_privilege('mirror', 'private_comment', 'SELECT')");
  return may.boolean(0, 0) ? Reader::admins : Reader::scans;
}

const MirrorMember& settable(const std::string& name) {
  if (const MirrorMember* member = find_settable(name)) return *member;
  throw Error(fmt::format("a mirror has no column '{}'", name), "42703");
}

[[noreturn]] void gone(MirrorId id) {
  throw Error(fmt::format("mirror {} does not exist any more", id), "02000");
}

struct ParsedPrefix {
  bool is_as;
  Params params;
};

// `AS64500` or digits alone are an AS number, everything else must be a network.
ParsedPrefix parse_prefix(MirrorId id, std::string_view text) {
  ParsedPrefix parsed{false, {}};
  parsed.params.int2(id);
  std::string_view digits = text;
  if (digits.starts_with("AS") || digits.starts_with("as")) digits.remove_prefix(2);
  if (!digits.empty() && digits.size() <= 10 &&
      digits.find_first_not_of("0123456789") == std::string_view::npos) {
    parsed.is_as = true;
    parsed.params.int8(std::stoll(std::string(digits)));
  } else if (const auto prefix = Prefix::parse(text)) {
    parsed.params.text(prefix->text());
  } else {
    throw Error(fmt::format("prefix: '{}' is neither a network like 192.0.2.0/24 or 2001:db8::/32 "
                            "without host bits nor an AS "
                            "number like AS64500",
                            text),
                "22023");
  }
  return parsed;
}

// Puts a constraint that a value violates into words.
template <typename Action>
auto in_words(Action action) {
  try {
    return action();
  } catch (const Error& error) {
    const std::string_view words = constraint_words(error.constraint());
    if (words.empty()) throw;
    throw Error(std::string(words), error.sqlstate(), error.constraint());
  }
}

Result run_checked(Connection& connection, const std::string& sql, const Params& params) {
  return in_words([&] { return connection.run(sql, params); });
}

// Within the caller's transaction: as a part of it.
template <typename Action>
auto in_transaction(Connection& connection, Action action) {
  return in_words([&] {
    if (connection.in_transaction()) {
      Savepoint part(connection);
      const auto result = action();
      part.release();
      return result;
    }
    Transaction transaction(connection);
    const auto result = action();
    transaction.commit();
    return result;
  });
}

// Those of the changes that are an endpoint's.
void set_endpoints(Connection& connection, MirrorId id, const std::vector<Change>& changes) {
  bool any = false;
  for (const auto& [name, value] : changes) {
    const MirrorMember& member = settable(name);
    if (member.stored_in != StoredIn::endpoint) continue;
    Params params = Params().int2(id).text(member.endpoint_method);
    member.bind(params, value);
    if (member.endpoint_column == kComplete)
      set_complete(connection, params);
    else
      set_endpoint(connection, member.endpoint_column, params);
    any = true;
  }
  if (any) drop_empty_endpoints(connection, id);
}

std::optional<MirrorRecord> find_one(Connection& connection, std::string_view column,
                                     const Params& value) {
  const Reader last = last_readable(connection);
  const Result rows = connection.run(
      fmt::format("SELECT {} FROM mirror m WHERE {} = $1", select_members(last), column), value);
  if (rows.empty()) return std::nullopt;
  MirrorRecord record = read_members(rows, 0, last);
  record.endpoints = read_endpoints(connection, record.mirror.id);
  return record;
}

}  // namespace

const Endpoint* MirrorRecord::endpoint(std::string_view method) const {
  const auto found =
      std::find_if(endpoints.begin(), endpoints.end(),
                   [&](const Endpoint& endpoint) { return endpoint.method == method; });
  return found == endpoints.end() ? nullptr : &*found;
}

// A method without a URL of its own takes one of the mirror's.
bool MirrorRecord::is_listed_as(const MirrorRecord& other, std::string_view method) const {
  static const Endpoint kNone;
  const auto of = [&](const MirrorRecord& record) -> const Endpoint& {
    const Endpoint* const found = record.endpoint(method);
    return found ? *found : kNone;
  };
  const Endpoint &here = of(*this), &there = of(other);
  return here.url == there.url && here.options == there.options &&
         (!here.url.empty() || ftp_url == other.ftp_url) &&
         mirror.http_url == other.mirror.http_url && mirror.https_url == other.mirror.https_url &&
         strip_prefix == other.strip_prefix && add_prefix == other.add_prefix;
}

const std::vector<MirrorColumn>& mirror_columns() {
  static const std::vector<MirrorColumn> columns = [] {
    std::vector<MirrorColumn> list;
    for (const MirrorMember& member : mirror_members()) {
      if (member.column.help != nullptr) list.push_back(member.column);
    }
    return list;
  }();
  return columns;
}

std::string column_text(const MirrorRecord& record, const MirrorColumn& column) {
  const MirrorMember* member = find_settable(column.name);
  return member ? member->text(record) : "";
}

std::vector<MirrorRecord> list_mirrors(Connection& connection) {
  const Reader last = last_readable(connection);
  const Result rows = connection.run(
      fmt::format("SELECT {} FROM mirror m ORDER BY identifier", select_members(last)));
  std::map<MirrorId, std::vector<Endpoint>> endpoints = read_endpoints(connection);
  std::vector<MirrorRecord> records;
  for (int row = 0; row < rows.rows(); ++row) {
    MirrorRecord& record = records.emplace_back(read_members(rows, row, last));
    record.endpoints = std::move(endpoints[record.mirror.id]);
  }
  return records;
}

std::optional<MirrorRecord> find_mirror(Connection& connection, std::string_view identifier) {
  return find_one(connection, "identifier", Params().text(identifier));
}

std::optional<MirrorRecord> find_mirror(Connection& connection, MirrorId id) {
  return find_one(connection, "id", Params().int2(id));
}

MirrorId insert_mirror(Connection& connection, std::string_view identifier,
                       const std::vector<Change>& columns) {
  Params params;
  params.text(identifier);
  std::string names = "identifier", values = "$1";
  int number = 1;
  for (const auto& [name, value] : columns) {
    const MirrorMember& member = settable(name);
    if (member.stored_in != StoredIn::mirror) continue;
    member.bind(params, value);
    names += ", " + name;
    values += fmt::format(", ${}", ++number);
  }
  return in_transaction(connection, [&] {
    const MirrorId id =
        connection
            .run(fmt::format("INSERT INTO mirror ({}) VALUES ({}) RETURNING id", names, values),
                 params)
            .int2(0, 0);
    set_endpoints(connection, id, columns);
    return id;
  });
}

void update_mirror(Connection& connection, MirrorId id, const std::vector<Change>& columns) {
  Params params;
  params.int2(id);
  std::string sets;
  int number = 1;
  for (const auto& [name, value] : columns) {
    const MirrorMember& member = settable(name);
    if (member.stored_in != StoredIn::mirror) continue;
    member.bind(params, value);
    sets += fmt::format("{}{} = ${}", sets.empty() ? "" : ", ", name, ++number);
  }
  in_transaction(connection, [&] {
    if (!sets.empty() &&
        connection.run(fmt::format("UPDATE mirror SET {} WHERE id = $1", sets), params)
                .affected() == 0)
      gone(id);
    set_endpoints(connection, id, columns);
    return id;
  });
}

void enable_mirror(Connection& connection, MirrorId id) {
  connection.run("SELECT enable_mirror($1)", Params().int2(id));
}

void lock_mirror(Connection& connection, MirrorId id) {
  connection.run("SELECT FROM mirror WHERE id = $1 FOR UPDATE", Params().int2(id));
}

void rename_mirror(Connection& connection, MirrorId id, std::string_view identifier) {
  const Params params = Params().int2(id).text(identifier);
  if (run_checked(connection, "UPDATE mirror SET identifier = $2 WHERE id = $1", params)
          .affected() == 0)
    gone(id);
}

void add_mirror_prefix(Connection& connection, MirrorId id, std::string_view cidr_or_asn) {
  const ParsedPrefix parsed = parse_prefix(id, cidr_or_asn);
  run_checked(connection,
              parsed.is_as
                  ? "INSERT INTO mirror_prefix (mirror_id, asn) VALUES ($1, $2)"
                  : "INSERT INTO mirror_prefix (mirror_id, prefix) VALUES ($1, $2::text::cidr)",
              parsed.params);
}

bool remove_mirror_prefix(Connection& connection, MirrorId id, std::string_view cidr_or_asn) {
  const ParsedPrefix parsed = parse_prefix(id, cidr_or_asn);
  const char* sql =
      parsed.is_as ? "DELETE FROM mirror_prefix WHERE mirror_id = $1 AND asn = $2"
                   : "DELETE FROM mirror_prefix WHERE mirror_id = $1 AND prefix = $2::text::cidr";
  return run_checked(connection, sql, parsed.params).affected() > 0;
}

}  // namespace mirror::db
