// The mirror list as data. Its shape is part of the manual: members are added, never renamed or
// taken away while "version" is 1.
#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "core/encode.h"
#include "core/http_date.h"
#include "render/representation.h"

namespace mirror {
namespace {

// One object or array: members separated by commas.
class Json {
 public:
  explicit Json(std::string& out) : out_(out) {}

  void key(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_ += ':';
    first_ = true;
  }
  void open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    first_ = false;
  }
  void text(std::string_view name, std::string_view value) {  // null where nothing is known
    key(name);
    if (value.empty()) {
      out_ += "null";
    } else {
      append_json_string(out_, value);
    }
    first_ = false;
  }
  void value(std::string_view text) {  // an array's member
    separate();
    append_json_string(out_, text);
  }
  void number(std::string_view name, std::int64_t value) {
    key(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
    first_ = false;
  }
  void null(std::string_view name) { text(name, ""); }
  void hex(std::string_view name, std::string_view bytes) {
    if (bytes.empty()) return;
    key(name);
    out_ += '"';
    append_hex(out_, bytes);
    out_ += '"';
    first_ = false;
  }

 private:
  void separate() {
    if (!first_) out_ += ',';
    first_ = false;
  }

  std::string& out_;
  bool first_ = true;
};

void write_hashes(Json& json, const Subject& subject) {
  const FileHashes& known = subject.hashes;
  json.key("hashes");
  json.open('{');
  json.hex("md5", known.md5);
  json.hex("sha1", known.sha1);
  json.hex("sha256", known.sha256);
  json.hex("sha512", known.sha512);
  if (subject.has(Representation::btih)) {
    const bool hybrid = subject.settings.torrent_form == TorrentForm::hybrid;
    json.hex("btih", hybrid ? known.btih : known.btih_v1);
    if (hybrid) json.hex("btmh", known.btmh);
  }
  json.close('}');
}

void write_file(Json& json, const Subject& subject) {
  const File& file = subject.file;
  json.key("file");
  json.open('{');
  json.text("path", file.path);
  json.text("name", subject.name());
  json.text("url", subject.url());
  json.number("size", file.size_bytes);
  json.number("mtime", file.mtime_s);
  json.text("modified", utc_timestamp(file.mtime_s));
  write_hashes(json, subject);
  json.close('}');
}

void write_client(Json& json, const Client& client) {
  json.key("client");
  json.open('{');
  json.text("country", client.country.text());
  json.text("country_name", name_of(client.country));
  json.text("region", region_code(client.region));
  if (client.asn != 0) {
    json.number("as", client.asn);
  } else {
    json.null("as");
  }
  json.text("as_name", client.as_name);
  json.close('}');
}

void write_mirror(Json& json, const Subject& subject, const Candidate& candidate, int priority) {
  const Mirror& mirror = *candidate.mirror;
  const bool one_country = !candidate.country.everyone();
  json.open('{');
  json.number("priority", priority);
  json.text("identifier", mirror.identifier);
  json.text("url", subject.mirror_url(candidate));
  json.text("tier", tier_name(candidate.tier));
  json.text("country", one_country ? candidate.country.text() : "");
  json.text("country_name", one_country ? name_of(candidate.country) : "");
  json.text("region", region_code(candidate.region));
  if (std::isfinite(candidate.distance_km)) {
    json.number("distance_km", std::llround(candidate.distance_km));
  } else {
    json.null("distance_km");
  }
  json.text("operator", mirror.operator_name);
  json.text("operator_url", mirror.operator_url);
  json.close('}');
}

void write_texts(Json& json, std::string_view name, std::span<const std::string> texts) {
  json.key(name);
  json.open('[');
  for (const std::string& text : texts) json.value(text);
  json.close(']');
}

void write_representations(Json& json, const Subject& subject) {
  json.key("representations");
  json.open('{');
  for (std::size_t i = 0; i < kRepresentations; ++i) {
    const auto which = static_cast<Representation>(i);
    if (subject.has(which)) json.text(info_of(which).name, subject.url(which));
  }
  json.close('}');
}

}  // namespace

void render_mirror_list_json(std::string& out, const Subject& subject) {
  Json json(out);
  json.open('{');
  json.number("version", 1);
  write_file(json, subject);
  write_client(json, subject.client);
  json.key("mirrors");
  json.open('[');
  int priority = 0;
  for (const Candidate& candidate : subject.mirrors())
    write_mirror(json, subject, candidate, ++priority);
  json.close(']');
  write_texts(json, "avoided", subject.avoided);
  write_texts(json, "last_resorts", subject.last_resorts);  // in the order to try them in
  write_representations(json, subject);
  json.close('}');
  out += '\n';
}

}  // namespace mirror
