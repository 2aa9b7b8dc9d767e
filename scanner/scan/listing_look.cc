#include "scanner/scan/listing_look.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "db/merge/known_files.h"
#include "scanner/check/answers.h"
#include "scanner/list/listing.h"
#include "scanner/list/method.h"
#include "scanner/list/part.h"
#include "scanner/scan/files_of_source.h"

namespace mirror::scanner {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kEntries = 60;  // that are read
constexpr double kMinutes = 0.25;     // for that
constexpr int kSilence_s = 10;

struct Enough {};  // thrown through a method, which takes it for the end of its caller's interest

struct ListedFile {
  std::string path;
  std::int64_t size_bytes = 0;
};

Target target_for_look(const ListingWay& way, const db::MirrorRecord& record,
                       const ScanOptions& options, const Part& part) {
  Target target = target_of(way, record, options);
  target.directory = part.directory;
  target.may_be_missing = false;
  target.max_minutes = std::min(target.max_minutes, kMinutes);
  target.connect_timeout_s = std::min(target.connect_timeout_s, kSilence_s);
  target.idle_timeout_s = std::min(target.idle_timeout_s, kSilence_s);
  return target;
}

std::vector<ListedFile> first_files(db::Connection& connection, const db::MirrorRecord& record,
                                    const ListingWay& way, const ScanOptions& options, int stop_fd,
                                    std::int64_t& entries) {
  std::vector<ListedFile> files;
  const auto sink = [&](const TreeEntry& entry) {
    if (entry.kind == db::EntryKind::file && !entry.staged)
      files.push_back({std::string(entry.path), entry.size_bytes});
    if (++entries >= static_cast<std::int64_t>(kEntries)) throw Enough();
  };
  const Part part = part_of_mirror("", record.strip_prefix, record.add_prefix);
  const Target target = target_for_look(way, record, options, part);
  const Control control{.stop_fd = stop_fd};
  ListingCounts counts;
  Listing listing(options.instance.max_entries, part.prefix, sink, control, counts);
  listing.exclude(options.instance.exclude);
  FilesOfSource known(connection, record.mirror.id, part.prefix);
  try {
    way.method->list(target, known, listing, control);
  } catch (const Enough&) {
  }
  return files;
}

std::int64_t count_known(db::Connection& connection, const std::vector<ListedFile>& files) {
  std::vector<std::string> paths;
  for (const ListedFile& file : files) paths.push_back(file.path);
  const auto found = db::find_known_files(connection, paths);
  std::int64_t known = 0;
  for (std::size_t i = 0; i < files.size(); ++i)
    known += found[i] && found[i]->size_bytes == files[i].size_bytes;
  return known;
}

}  // namespace

ListingLook look_at_listing(db::Connection& connection, const db::MirrorRecord& record,
                            const ListingWay& way, const ScanOptions& options, int stop_fd) {
  ListingLook look;
  if (way.method == &kHeadMethod) {
    look.good = true;
    look.reason = "has no list: files are asked for one by one, as above";
    return look;
  }
  const auto began = Clock::now();
  try {
    const std::vector<ListedFile> files =
        first_files(connection, record, way, options, stop_fd, look.entries);
    look.files = static_cast<std::int64_t>(files.size());
    look.known = count_known(connection, files);
    look.good = look.entries > 0 && (look.files == 0 || look.known > 0);
    if (look.entries == 0) look.reason = "the list is empty";
    if (look.files > 0 && look.known == 0) look.reason = "none of these files is the source's";
  } catch (const db::Error&) {
    throw;
  } catch (const std::exception& error) {
    look.reason = probe::bounded(error.what());
  }
  look.time = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  return look;
}

}  // namespace mirror::scanner
