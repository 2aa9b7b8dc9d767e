#include "db/mirror/mirrors.h"

#include <fmt/format.h>

#include <cmath>

#include "db/mirror/constraints.h"
#include "db/mirror/mirror_fields.h"
#include "db/mirror/mirror_rows.h"

namespace mirror::db {
namespace {

std::vector<CountryCode> read_countries(const Result& rows, int row, int column) {
  std::vector<CountryCode> countries;
  for (const std::string& code : rows.text_array(row, column)) {
    if (const auto country = CountryCode::parse(code)) countries.push_back(*country);
  }
  return countries;
}

enum class Columns { public_ones, all };

Columns readable_columns(Connection& connection) {
  const Result may =
      connection.run("SELECT has_column_privilege('mirror', 'private_comment', 'SELECT')");
  return may.boolean(0, 0) ? Columns::all : Columns::public_ones;
}

std::string record_select(Columns columns) {
  return fmt::format(
      "SELECT {}, rsync_url, ftp_url, strip_prefix, add_prefix, rsync_options, subdivision, "
      "public_note, keeps_times_share, keeps_times, extract(epoch FROM last_scan)::bigint{} "
      "FROM mirror m ",
      kMirrorSelect, columns == Columns::all ? ", admin_name, admin_email, private_comment" : "");
}

std::string text_at(const Result& rows, int row, int column) {
  return std::string(rows.bytes(row, column));
}

MirrorRecord read_record(const Result& rows, int row, Columns columns) {
  MirrorRecord record;
  record.mirror = read_mirror(rows, row);
  int column = kMirrorSelectColumns;
  record.rsync_url = text_at(rows, row, column++);
  record.ftp_url = text_at(rows, row, column++);
  record.strip_prefix = text_at(rows, row, column++);
  record.add_prefix = text_at(rows, row, column++);
  record.rsync_options = rows.text_array(row, column++);
  record.subdivision = text_at(rows, row, column++);
  record.public_note = text_at(rows, row, column++);
  if (!rows.is_null(row, column)) record.keeps_times_share = rows.float8(row, column);
  record.keeps_times = rows.boolean(row, ++column);
  if (!rows.is_null(row, ++column)) record.last_scan_s = rows.int8(row, column);
  if (columns != Columns::all) return record;
  record.admin_name = text_at(rows, row, ++column);
  record.admin_email = text_at(rows, row, ++column);
  record.private_comment = text_at(rows, row, ++column);
  return record;
}

const MirrorField& known_field(const std::string& name) {
  if (const MirrorField* field = find_field(name)) return *field;
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
Result run_checked(Connection& connection, const std::string& sql, const Params& params) {
  try {
    return connection.run(sql, params);
  } catch (const Error& error) {
    const std::string_view words = constraint_words(error.constraint());
    if (words.empty()) throw;
    throw Error(std::string(words), error.sqlstate(), error.constraint());
  }
}

}  // namespace

const char* const kMirrorSelect =
    "m.id, identifier, http_url, https_url, enabled, online, weight, country, region, latitude, "
    "longitude, m.asn, prefix_only, "
    "as_only, country_only, region_only, ipv4, ipv6, file_maxsize, other_countries, "
    "excluded_countries, "
    "ARRAY(SELECT p.prefix::text FROM mirror_prefix p WHERE p.mirror_id = m.id AND p.prefix IS NOT "
    "NULL ORDER BY p.prefix), "
    "ARRAY(SELECT p.asn::text FROM mirror_prefix p WHERE p.mirror_id = m.id AND p.asn IS NOT NULL "
    "ORDER BY p.asn), "
    "operator_name, operator_url";

Mirror read_mirror(const Result& rows, int row) {
  Mirror mirror;
  mirror.id = rows.int2(row, 0);
  mirror.identifier = text_at(rows, row, 1);
  mirror.http_url = text_at(rows, row, 2);
  mirror.https_url = text_at(rows, row, 3);
  mirror.enabled = rows.boolean(row, 4);
  mirror.online = rows.boolean(row, 5);
  mirror.weight = rows.int4(row, 6);
  mirror.country = CountryCode::parse(rows.bytes(row, 7)).value_or(CountryCode());
  mirror.region = parse_region(rows.bytes(row, 8)).value_or(Region::unknown);
  if (!rows.is_null(row, 9) && !rows.is_null(row, 10))
    mirror.place = Place{rows.float8(row, 9), rows.float8(row, 10)};
  mirror.asn = static_cast<AsNumber>(rows.int8(row, 11));
  mirror.prefix_only = rows.boolean(row, 12);
  mirror.as_only = rows.boolean(row, 13);
  mirror.country_only = rows.boolean(row, 14);
  mirror.region_only = rows.boolean(row, 15);
  mirror.ipv4 = rows.boolean(row, 16);
  mirror.ipv6 = rows.boolean(row, 17);
  mirror.file_maxsize = rows.int8(row, 18);
  mirror.other_countries = read_countries(rows, row, 19);
  mirror.excluded_countries = read_countries(rows, row, 20);
  for (const std::string& text : rows.text_array(row, 21)) {
    if (const auto prefix = Prefix::parse(text)) mirror.prefixes.push_back(*prefix);
  }
  for (const std::string& text : rows.text_array(row, 22))
    mirror.served_as.push_back(static_cast<AsNumber>(std::stoull(text)));
  mirror.operator_name = text_at(rows, row, 23);
  mirror.operator_url = text_at(rows, row, 24);
  return mirror;
}

std::vector<MirrorRecord> list_mirrors(Connection& connection) {
  const Columns columns = readable_columns(connection);
  const Result rows = connection.run(record_select(columns) + "ORDER BY identifier");
  std::vector<MirrorRecord> records;
  for (int row = 0; row < rows.rows(); ++row) records.push_back(read_record(rows, row, columns));
  return records;
}

std::optional<MirrorRecord> find_mirror(Connection& connection, std::string_view identifier) {
  const Columns columns = readable_columns(connection);
  const Result rows =
      connection.run(record_select(columns) + "WHERE identifier = $1", Params().text(identifier));
  if (rows.empty()) return std::nullopt;
  return read_record(rows, 0, columns);
}

MirrorId insert_mirror(Connection& connection, std::string_view identifier,
                       const std::vector<Change>& columns) {
  Params params;
  params.text(identifier);
  std::string names = "identifier", values = "$1";
  int number = 1;
  for (const auto& [name, value] : columns) {
    bind_value(params, known_field(name).column, value);
    names += ", " + name;
    values += fmt::format(", ${}", ++number);
  }
  return run_checked(connection,
                     fmt::format("INSERT INTO mirror ({}) VALUES ({}) RETURNING id", names, values),
                     params)
      .int2(0, 0);
}

void update_mirror(Connection& connection, MirrorId id, const std::vector<Change>& columns) {
  if (columns.empty()) return;
  Params params;
  params.int2(id);
  std::string sets;
  int number = 1;
  for (const auto& [name, value] : columns) {
    bind_value(params, known_field(name).column, value);
    sets += fmt::format("{}{} = ${}", sets.empty() ? "" : ", ", name, ++number);
  }
  if (run_checked(connection, fmt::format("UPDATE mirror SET {} WHERE id = $1", sets), params)
          .affected() == 0)
    gone(id);
}

void enable_mirror(Connection& connection, MirrorId id) {
  connection.run("SELECT enable_mirror($1)", Params().int2(id));
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
