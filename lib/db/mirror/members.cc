#include "db/mirror/members.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/mirror_members.h"
#include "core/path.h"
#include "db/mirror/value_codec.h"

namespace mirror::db {
namespace {

constexpr const char* kPrefixes =
    "ARRAY(SELECT p.prefix::text FROM mirror_prefix p WHERE p.mirror_id = m.id AND p.prefix IS NOT "
    "NULL ORDER BY p.prefix)";
constexpr const char* kServedAs =
    "ARRAY(SELECT p.asn::text FROM mirror_prefix p WHERE p.mirror_id = m.id AND p.asn IS NOT NULL "
    "ORDER BY p.asn)";

// The columns of mirror that scans find out and no option sets.
constexpr std::tuple kScanned{
    Member{"keeps_times_share", &MirrorRecord::keeps_times_share},
    Member{"keeps_times", &MirrorRecord::keeps_times},
    Member{"time_offset_s", &MirrorRecord::time_offset_s},
};

// What scans need to know beside the endpoints.
constexpr std::tuple kListing{
    Member{"ftp_url", &MirrorRecord::ftp_url,
           "URL for people who use FTP; scanned where nothing else can be", UrlKind::ftp_base},
    Member{"strip_prefix", &MirrorRecord::strip_prefix,
           "path to cut from the beginning of listed names"},
    Member{"add_prefix", &MirrorRecord::add_prefix, "path to put before listed names"},
    Member{"stamp_path", &MirrorRecord::stamp_path,
           "path of the file that says how new its tree is; \"\": stamp_path of mb.toml"},
    Member{"max_age", &MirrorRecord::max_age,
           "hours by which it may be behind the source, or never; \"\": max_age_hours of mb.toml"},
    Member{"scan_interval", &MirrorRecord::scan_interval,
           "hours from one scan to the next; \"\": scan_interval_hours of mb.toml"},
    Member{"scan_hours", &MirrorRecord::scan_hours,
           "hours of the day (UTC) for scans, as 22-6; \"\": scan_hours of mb.toml"},
};

constexpr std::tuple kPublic{
    Member{"subdivision", &MirrorRecord::subdivision, "ISO 3166-2 code without the country"},
    Member{"public_note", &MirrorRecord::public_note, "note for everyone"},
};

constexpr std::tuple kPrivate{
    Member{"admin_name", &MirrorRecord::admin_name, "whom to ask (not public)"},
    Member{"admin_email", &MirrorRecord::admin_email, "where to ask (not public)"},
    Member{"private_comment", &MirrorRecord::private_comment, "comment for admins"},
};

template <typename Owner, typename Record>
auto& part_of(Record& record) {
  if constexpr (std::is_same_v<Owner, Mirror>)
    return record.mirror;
  else
    return record;
}

// The database would refuse a bad one too, without saying what is wrong with it.
std::string url_value(const char* column, std::string_view value, UrlKind kind) {
  std::string url(value);
  if (url.empty()) return url;
  if (kind != UrlKind::page && kind != UrlKind::s3 && !url.ends_with('/')) url += '/';
  if (const UrlFault fault = check_url(url, kind))
    throw Error(fmt::format("{}: '{}' cannot be used: {}", column,
                            printable(without_password(value)), fault.text()),
                "22023");
  return url;
}

// Makes the rows of one kind of reader.
class Rows {
 public:
  Rows(std::vector<MirrorMember>& rows, Reader reader) : rows_(rows), reader_(reader) {}

  template <typename Owner, typename Value>
  void operator()(const Member<Owner, Value>& member) {
    MirrorMember& row = add(member.name, member.help);
    row.select = fmt::format("m.{}", member.name);
    const auto where = member.where;
    row.read = [where](MirrorRecord& record, const Result& rows, int at, int column) {
      read_value(rows, at, column, part_of<Owner>(record).*where);
    };
    if constexpr (requires { input_of(Tag<Value>()); }) {
      row.text = [where](const MirrorRecord& record) {
        return value_text(part_of<Owner>(record).*where);
      };
      set_input<Value>(row, member.url);
    }
  }

  void operator()(const Member<Mirror, std::vector<Prefix>>& member) {
    of_prefixes(member, kPrefixes);
  }
  void operator()(const Member<Mirror, std::vector<AsNumber>>& member) {
    of_prefixes(member, kServedAs);
  }

  // Two columns make one place.
  void operator()(const Member<Mirror, std::optional<Place>>&) {
    coordinate("latitude", &Place::latitude, "degrees, north positive");
    coordinate("longitude", &Place::longitude, "degrees, east positive");
  }

  template <typename Value>
  void endpoint(const char* name, const char* method, const char* column, Value Endpoint::*where,
                const char* help, std::optional<UrlKind> url = {}) {
    MirrorMember& row = add(name, help);
    row.stored_in = StoredIn::endpoint;
    row.endpoint_method = method;
    row.endpoint_column = column;
    row.text = [method, where](const MirrorRecord& record) {
      const Endpoint* const found = record.endpoint(method);
      if (found == nullptr) return std::string();
      Value value = found->*where;
      if constexpr (std::is_same_v<Value, std::vector<std::string>>) std::erase(value, kComplete);
      return value_text(value);
    };
    set_input<Value>(row, url);
  }

  // Of the way by HEAD.
  void complete(const char* help) {
    MirrorMember& row = add("complete", help);
    row.stored_in = StoredIn::endpoint;
    row.endpoint_method = "head";
    row.endpoint_column = kComplete;
    row.text = [](const MirrorRecord& record) {
      const Endpoint* const found = record.endpoint("head");
      return value_text(found != nullptr && found->is_complete());
    };
    set_input<bool>(row, std::nullopt);
  }

 private:
  MirrorMember& add(const char* name, const char* help) {
    MirrorMember& row = rows_.emplace_back();
    row.column = {.name = name, .help = help};
    row.reader = reader_;
    return row;
  }

  // How an option sets it.
  template <typename Value>
  static void set_input(MirrorMember& row, std::optional<UrlKind> url) {
    const Input input = input_of(Tag<Value>());
    row.column.shape = input.shape;
    row.column.placeholder = url ? "URL" : input.placeholder;
    row.bind = [name = row.column.name, url](Params& params, std::string_view value) {
      bind_value(Tag<Value>(), params, name,
                 url ? url_value(name, value, *url) : std::string(value));
    };
  }

  template <typename Value>
  void of_prefixes(const Member<Mirror, Value>& member, const char* select) {
    MirrorMember& row = add(member.name, nullptr);
    row.stored_in = StoredIn::mirror_prefix;
    row.select = select;
    row.read = [where = member.where](MirrorRecord& record, const Result& rows, int at,
                                      int column) {
      read_value(rows, at, column, record.mirror.*where);
    };
  }

  void coordinate(const char* name, double Place::*where, const char* help) {
    MirrorMember& row = add(name, help);
    row.select = fmt::format("m.{}", name);
    row.read = [where](MirrorRecord& record, const Result& rows, int at, int column) {
      std::optional<Place>& place = record.mirror.place;
      if (rows.is_null(at, column)) return;  // mirror_place_complete: both are
      if (!place) place.emplace();
      (*place).*where = rows.float8(at, column);
    };
    row.text = [where](const MirrorRecord& record) {
      return record.mirror.place ? value_text((*record.mirror.place).*where) : std::string();
    };
    set_input<double>(row, std::nullopt);
  }

  std::vector<MirrorMember>& rows_;
  const Reader reader_;
};

std::vector<MirrorMember> make_members() {
  std::vector<MirrorMember> rows;
  Rows redirects(rows, Reader::redirects), scans(rows, Reader::scans);
  for_each_member(kMirrorAddresses, redirects);
  scans.endpoint("rsync_url", "rsync", "url", &Endpoint::url, "URL to scan with rsync",
                 UrlKind::rsync);
  scans.endpoint("index_url", "http", "url", &Endpoint::url, "URL to scan by its directory indexes",
                 UrlKind::web_base);
  scans.endpoint("ftp_scan_url", "ftp", "url", &Endpoint::url, "URL to scan over FTP or FTPS",
                 UrlKind::ftp_scan);
  scans.endpoint("head_url", "head", "url", &Endpoint::url,
                 "URL to scan by asking for each file, where there is no index", UrlKind::web_base);
  scans.endpoint("s3_url", "s3", "url", &Endpoint::url,
                 "URL to scan of a folder in a bucket: s3://BUCKET/[PREFIX/]", UrlKind::s3);
  for_each_member(kListing, scans);
  scans.endpoint("rsync_options", "rsync", "options", &Endpoint::options,
                 "further options for rsync, and ssl: by rsync-ssl");
  scans.endpoint("index_options", "http", "options", &Endpoint::options,
                 "options for scans by directory indexes: connections=8, rate=N, bandwidth=N, "
                 "robots=ignore, heads=N, off");
  scans.endpoint(
      "ftp_options", "ftp", "options", &Endpoint::options,
      "options for scans over FTP: connections=2, rate=N, bandwidth=N, tls=require, off");
  scans.endpoint("head_options", "head", "options", &Endpoint::options,
                 "options for scans that ask for each file: connections=8, rate=N, budget=N, "
                 "sample=200");
  scans.complete("it has everything, as a CDN in front of the origin: scans ask for a sample");
  scans.endpoint("s3_options", "s3", "options", &Endpoint::options,
                 "options for scans of a bucket: connections=8, rate=N, bandwidth=N, heads=N");
  for_each_member(kMirrorTraits, redirects);
  for_each_member(kPublic, redirects);
  for_each_member(kPrivate, Rows(rows, Reader::admins));
  for_each_member(kScanned, scans);
  Rows web(rows, Reader::web);
  web(Member{"last_scan", &MirrorRecord::last_scan_s});
  web(Member{"standing_since", &MirrorRecord::standing_since_s});
  for (MirrorMember& row : rows) {
    const std::string_view name = row.column.name;
    if (name == "last_scan" || name == "standing_since")
      row.select = fmt::format("extract(epoch FROM m.{})::bigint", name);
  }
  return rows;
}

// Calls `use` with each member of `mirror m` that is read up to this reader.
template <typename Use>
void for_each_read(Reader last, Use use) {
  for (const MirrorMember& member : mirror_members()) {
    if (member.reader <= last && !member.select.empty()) use(member);
  }
}

}  // namespace

const std::vector<MirrorMember>& mirror_members() {
  static const std::vector<MirrorMember> members = make_members();
  return members;
}

const MirrorMember* find_settable(std::string_view name) {
  for (const MirrorMember& member : mirror_members()) {
    if (member.column.help != nullptr && name == member.column.name) return &member;
  }
  return nullptr;
}

std::string select_members(Reader last) {
  std::string columns;
  for_each_read(last, [&](const MirrorMember& member) {
    columns += (columns.empty() ? "" : ", ") + member.select;
  });
  return columns;
}

int count_members(Reader last) {
  int count = 0;
  for_each_read(last, [&](const MirrorMember&) { ++count; });
  return count;
}

MirrorRecord read_members(const Result& rows, int row, Reader last) {
  MirrorRecord record;
  int column = 0;
  for_each_read(last,
                [&](const MirrorMember& member) { member.read(record, rows, row, column++); });
  return record;
}

}  // namespace mirror::db
