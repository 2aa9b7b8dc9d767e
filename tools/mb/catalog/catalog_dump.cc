// mb catalog dump: what a catalog has, a line of JSON for each record.
#include <algorithm>
#include <set>
#include <utility>

#include "core/encode.h"
#include "core/wildcard.h"
#include "tools/mb/catalog/catalog_choice.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

using nlohmann::json;

const std::vector<std::string> kParts = {"meta", "mirrors", "cohorts", "groups", "links", "files"};

struct Wanted {
  std::string directory, pattern;
  std::vector<std::string> parts;
};

void put_hex(json& object, const char* key, std::string_view bytes) {
  if (bytes.empty()) return;
  std::string hex;
  append_hex(hex, bytes);
  object[key] = hex;
}

void put_hashes(json& line, const FileHashes& hashes) {
  static constexpr std::pair<const char*, std::string FileHashes::*> kDigests[] = {
      {"md5", &FileHashes::md5},       {"sha1", &FileHashes::sha1},
      {"sha256", &FileHashes::sha256}, {"sha512", &FileHashes::sha512},
      {"btih", &FileHashes::btih},     {"btih_v1", &FileHashes::btih_v1},
      {"btmh", &FileHashes::btmh},     {"pieces_root", &FileHashes::pieces_root}};
  for (const auto& [key, member] : kDigests) put_hex(line, key, hashes.*member);
  if (hashes.piece_bytes > 0) line["piece_bytes"] = hashes.piece_bytes;
  if (hashes.zsync.block_bytes > 0) line["zsync_block_bytes"] = hashes.zsync.block_bytes;
  if (!hashes.signature.empty()) line["signature_bytes"] = hashes.signature.size();
}

json file_line(const FeedFile& file) {
  json line = {{"gone_at", time_json(file.gone_s)}};
  put_bytes(line, "path", file.path);
  if (file.link_target) {
    line["kind"] = "link";
    put_bytes(line, "target", *file.link_target);
    return line;
  }
  line.update({{"kind", "file"},
               {"size", file.size_bytes},
               {"mtime", rfc3339(file.mtime_s)},
               {"cohort", file.cohort_id},
               {"pending", file.pending}});
  put_hashes(line, file.hashes);
  return line;
}

void say_meta(const catalog::Meta& meta) {
  json line = json::parse(catalog::encode(meta));
  line["kind"] = "meta";
  say_json_line(line);
}

void say_mirrors(const MirrorTable& table) {
  for (const Mirror& mirror : table.all()) {
    json line = json::parse(catalog::encode_mirrors({mirror})).at(0);
    line["kind"] = "mirror";
    say_json_line(line);
  }
}

void say_cohorts(catalog::Reader& reader) {
  reader.each_cohort([](std::int64_t id, const catalog::CohortRecord& cohort) {
    say_json_line({{"kind", "cohort"},
                   {"id", id},
                   {"files", cohort.files},
                   {"mirrors", cohort.mirrors.ids()}});
    return true;
  });
}

json former_line(const FormerVersion& version) {
  json line = {{"size", version.size_bytes},
               {"mtime", rfc3339(version.mtime_s)},
               {"replaced_at", rfc3339(version.replaced_s)},
               {"mirrors", version.mirrors}};
  put_bytes(line, "path", version.path);
  put_hex(line, "md5", version.md5);
  put_hex(line, "sha1", version.sha1);
  put_hex(line, "sha256", version.sha256);
  put_hex(line, "sha512", version.sha512);
  return line;
}

// Mutable groups, by their folders, with the former versions of their anchors.
void say_groups(catalog::Reader& reader) {
  reader.each_group([](std::string_view folder, const MirrorSet& mirrors,
                       const std::vector<FormerVersion>& former) {
    json line = {{"kind", "group"}, {"mirrors", mirrors.ids()}, {"former", json::array()}};
    put_bytes(line, "folder", folder);
    for (const FormerVersion& version : former) line["former"].push_back(former_line(version));
    say_json_line(line);
    return true;
  });
}

int run(Context& context, const Wanted& wanted) {
  const bool by_path = !wanted.pattern.empty();
  std::set<std::string> parts(wanted.parts.begin(), wanted.parts.end());
  if (parts.empty() && by_path) parts = {"links", "files"};
  if (parts.empty()) parts.insert(kParts.begin(), kParts.end());
  std::string pattern =
      wanted.pattern.substr(std::min(wanted.pattern.find_first_not_of('/'), wanted.pattern.size()));
  if (pattern.empty() || pattern.ends_with('/')) pattern += '*';
  const catalog::Snapshot snapshot(require_current(choose_directory(context, wanted.directory)));
  bool found = false;
  const auto visit = [&](const FeedFile& file) {
    if (wildcard_match(pattern, file.path, Letters::exact)) {
      found = true;
      say_json_line(file_line(file));
    }
    return true;
  };
  if (parts.contains("meta")) say_meta(snapshot->meta());
  if (parts.contains("mirrors")) say_mirrors(*snapshot->mirrors());
  if (parts.contains("cohorts")) say_cohorts(*snapshot);
  if (parts.contains("groups")) say_groups(*snapshot);
  if (parts.contains("links")) snapshot->each_link(visit);
  if (parts.contains("files")) snapshot->each_file(visit);
  snapshot->check_undisturbed();
  if (!by_path || found) return kSuccess;
  complain("no '" + wanted.pattern + "' in the catalog");
  return kFailure;
}

}  // namespace

Action setup_catalog_dump(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("pattern", wanted->pattern,
                 "A path, a folder with '/' at its end, or a pattern (* and ?): only what matches")
      ->type_name("PATH-or-GLOB");
  add_directory_option(app, wanted->directory);
  app.add_option("--only", wanted->parts, "Some of meta, mirrors, cohorts, groups, links and files")
      ->type_name("PART,...")
      ->separated_by(',')
      ->one_of(kParts);
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
