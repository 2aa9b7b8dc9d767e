// mb-hash --import: digests from a list instead of from reading.
#include "import.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>

#include "core/path.h"
#include "core/sums_line.h"
#include "db/hash/known_hashes.h"
#include "db/session.h"

namespace mirror::hash {
namespace {

constexpr std::size_t kMaxLineBytes = 16384;  // a path of 2,048 bytes, escaped, and then some
constexpr std::size_t kGroupFiles = 1000;
constexpr int kMaxTold = 20;

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

class Import {
 public:
  Import(const HashCommand& options, HashReport& report, const StopSignal& stop)
      : options_(options),
        report_(report),
        stop_(stop),
        connection_(db::open_merge_session(options.instance.database, "mb-hash", stop.asked())) {
    const std::string& name = options.import_file;
    file_.reset(name == "-" ? stdin : std::fopen(name.c_str(), "re"));
    struct stat status {};
    if (!file_)
      throw std::runtime_error(
          fmt::format("{}: cannot be read: {}", printable(name), std::strerror(errno)));
    if (name != "-" && fstat(fileno(file_.get()), &status) == 0) list_mtime_s_ = status.st_mtime;
  }

  Counts run() {
    char line[kMaxLineBytes];
    bool rest_of_long_line = false;
    while (!stop_.asked() && std::fgets(line, sizeof line, file_.get())) {
      const std::string_view text(line);
      const bool whole = text.ends_with('\n') || std::feof(file_.get());
      if (!rest_of_long_line) {
        ++line_number_;
        whole ? take(text) : bad("is too long");
      }
      rest_of_long_line = !whole;
      if (listed_.size() >= kGroupFiles) store();
    }
    if (std::ferror(file_.get()))
      throw std::runtime_error(
          fmt::format("{}: cannot be read to its end", printable(options_.import_file)));
    store();
    if (told_ > kMaxTold)
      report_.warning(fmt::format("{} more lines were not taken", told_ - kMaxTold));
    counts_.interrupted = stop_.asked();
    return counts_;
  }

 private:
  // The armour of a list that is signed in the clear (RFC 4880 §7): what stands around the list,
  // and a hyphen that is put before some lines of it. The signature is not checked. False for a
  // line that is no part of the list.
  bool strip_armour(std::string_view& text) {
    if (text.starts_with("-----BEGIN PGP SIGNED MESSAGE-----")) {
      armour_ = Armour::headers;
    } else if (text.starts_with("-----BEGIN PGP SIGNATURE-----")) {
      armour_ = Armour::signature;
    } else if (armour_ == Armour::headers) {
      if (text == "\n" || text == "\r\n") armour_ = Armour::list;
    } else if (armour_ == Armour::signature) {
      if (text.starts_with("-----END PGP SIGNATURE-----")) armour_ = Armour::none;
    } else {
      if (armour_ == Armour::list && text.starts_with("- ")) text.remove_prefix(2);
      return true;
    }
    return false;
  }

  void take(std::string_view text) {
    if (!strip_armour(text)) return;
    if (text == "\n" || text == "\r\n" || text.starts_with('#')) return;
    const std::optional<SumsLine> line = parse_sums_line(text);
    if (!line) return bad("is not a line of a list of MD5, SHA-1, SHA-256 or SHA-512 digests");
    const std::string& subtree = options_.subtrees.front();
    const std::string path = subtree.empty() ? line->name : subtree + '/' + line->name;
    const PathFault fault = check_path(path);
    if (fault != PathFault::none) return bad(path_fault_text(fault));
    std::string& digest = listed_[path].*line->digest;
    if (!digest.empty() && digest != line->value) return bad("contradicts an earlier line");
    digest = line->value;
  }

  void bad(std::string_view why) {
    ++counts_.failed;
    if (++told_ <= kMaxTold)
      report_.warning(fmt::format("{}:{}: {}", printable(options_.import_file), line_number_, why));
  }

  void store() {
    std::vector<std::string> paths;
    for (const auto& [path, hashes] : listed_) paths.push_back(path);
    std::vector<db::HashResult> results;
    for (const db::HashTarget& target :
         db::find_hash_targets(connection_, paths, options_.instance.hash.kinds)) {
      const FileHashes& hashes = listed_[target.path];
      if (const std::string why = objection(target, hashes); !why.empty()) {
        ++counts_.failed;
        report_.file(target.path, "failed", why, true);
      } else {
        results.push_back({target.file_id, target.version_rev, target.size_bytes, target.mtime_s,
                           std::nullopt, std::nullopt, hashes});
      }
      listed_.erase(target.path);
    }
    for (const auto& [path, hashes] : listed_) {
      ++counts_.failed;
      report_.file(path, "failed", "the source has no such file", true);
    }
    listed_.clear();
    const db::StoredHashes stored = db::store_hashes(connection_, results);
    counts_.hashed += stored.stored;
    counts_.new_versions += stored.new_versions;
    counts_.waiting += static_cast<std::int64_t>(results.size()) - stored.stored;
  }

  // A list speaks of the file as it was when the list was made.
  std::string objection(const db::HashTarget& target, const FileHashes& hashes) {
    if (target.pending)
      return "was touched since it was hashed: only reading shows whether it has changed";
    if (options_.force) return "";
    if (list_mtime_s_ && *list_mtime_s_ < target.mtime_s)
      return "is newer than the list; --force takes it all the same";
    if (!target.known) return "";
    const std::optional<FileHashes> stored = db::load_hashes(connection_, target.file_id);
    for (const auto member :
         {&FileHashes::md5, &FileHashes::sha1, &FileHashes::sha256, &FileHashes::sha512}) {
      if (stored && !((*stored).*member).empty() && !(hashes.*member).empty() &&
          (*stored).*member != hashes.*member) {
        return "another digest is stored; --force replaces it and makes the file a new version";
      }
    }
    return "";
  }

  const HashCommand& options_;
  HashReport& report_;
  const StopSignal& stop_;
  db::Connection connection_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::optional<std::int64_t> list_mtime_s_;
  std::map<std::string, FileHashes> listed_;
  enum class Armour { none, headers, list, signature } armour_ = Armour::none;
  std::int64_t line_number_ = 0;
  int told_ = 0;
  Counts counts_;
};

}  // namespace

Counts import_list(const HashCommand& options, HashReport& report, const StopSignal& stop) {
  return Import(options, report, stop).run();
}

}  // namespace mirror::hash
