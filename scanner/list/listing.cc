#include "scanner/list/listing.h"

#include <fmt/format.h>

#include "core/path.h"
#include "os/descriptor.h"

namespace mirror::scanner {
namespace {

// A listing of nothing but unreadable directories must not fill the memory.
constexpr std::size_t kMaxRestrictedBytes = 16 << 20;
constexpr std::size_t kSetEntryBytes = 64;  // about what a set spends on an entry beside its text

db::EntryKind tree_kind(ListedKind kind) {
  if (kind == ListedKind::directory) return db::EntryKind::directory;
  return kind == ListedKind::link ? db::EntryKind::link : db::EntryKind::file;
}

}  // namespace

bool Control::stopped() const { return is_readable(stop_fd); }

Listing::Listing(std::int64_t max_entries, std::string prefix, TreeSink sink,
                 const Control& control, ListingCounts& counts)
    : counts(counts),
      max_entries_(max_entries),
      prefix_(std::move(prefix)),
      sink_(std::move(sink)),
      control_(control) {}

bool Listing::add(const Entry& entry) {
  count();
  if (entry.path == ".") return true;  // the root: its own mode says nothing about what it holds
  full_path_ = prefix_.empty() ? entry.path : prefix_ + '/' + entry.path;
  if (!check(entry)) return true;
  const bool is_directory = entry.kind == ListedKind::directory;
  if (exclusion_.excludes(full_path_, is_directory)) {
    ++counts.excluded;
    return false;
  }
  const bool below = restricted(entry.path);
  if (is_directory && !entry.world_readable && !below) restrict_below(entry.path);
  if (entry.kind == ListedKind::special) return true;
  if (entry.odd_time && entry.kind == ListedKind::file) {
    ++counts.odd_times;
    return true;
  }
  const bool staged = below || (entry.kind != ListedKind::link && !entry.world_readable);
  sink_({full_path_, tree_kind(entry.kind), entry.size_bytes, entry.mtime_s, staged, entry.target,
         entry.ctime_ns});
  return true;
}

// False for a path to skip.
bool Listing::check(const Entry& entry) {
  PathFault fault = check_path(entry.path);
  if (fault == PathFault::none) fault = check_path(full_path_);
  if (fault == PathFault::too_long) {
    ++counts.long_paths;
    return false;
  }
  if (fault != PathFault::none) {
    throw ListingError(fmt::format("the listing has the path '{}' ({}), which no tree can have",
                                   printable(entry.path), path_fault_text(fault)));
  }
  return true;
}

void Listing::add_too_long() {
  count();
  ++counts.long_paths;
}

void Listing::add_unreadable(std::string_view path) {
  full_path_ = prefix_.empty() ? std::string(path) : fmt::format("{}/{}", prefix_, path);
  if (check_path(full_path_) != PathFault::none) {
    throw ListingError(fmt::format(
        "the directory '{}' may not be read, and its path cannot be in the tree", printable(path)));
  }
  if (exclusion_.excludes(full_path_, true)) return;
  if (++counts.unreadable_directories == 1) counts.unreadable_example = full_path_;
  if (unreadable_sink_)
    unreadable_sink_(full_path_, restricted_.contains(std::string(path)) || restricted(path));
}

void Listing::add_unlisted(std::string_view path) {
  keep_below(path);
  if (++counts.unlisted_directories == 1) counts.unlisted_example = full_path_;
}

void Listing::keep_below(std::string_view path) {
  full_path_ = prefix_.empty() ? std::string(path) : fmt::format("{}/{}", prefix_, path);
  if (unlisted_sink_) unlisted_sink_(full_path_);
}

void Listing::keep(std::string_view path) {
  full_path_ = prefix_.empty() ? std::string(path) : fmt::format("{}/{}", prefix_, path);
  if (check_path(full_path_) != PathFault::none || exclusion_.excludes(full_path_, false)) return;
  if (unlisted_file_sink_) unlisted_file_sink_(full_path_);
}

void Listing::add_unreadable_root() {
  if (unreadable_sink_) throw ListingError("the root of the tree may not be read");
  ++counts.unreadable_directories;
}

void Listing::count() {
  if (++counts.entries > max_entries_) {
    throw ListingError(
        fmt::format("the listing has more than {} entries; raise --max-entries if that is right",
                    max_entries_));
  }
  if (control_.progress != nullptr)
    control_.progress->store(counts.entries, std::memory_order_relaxed);
}

bool Listing::restricted(std::string_view path) const {
  if (restricted_.empty()) return false;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (restricted_.contains(std::string(path.substr(0, slash)))) return true;
  }
  return false;
}

void Listing::restrict_below(const std::string& path) {
  if (!restricted_.insert(path).second) return;
  restricted_bytes_ += path.size() + kSetEntryBytes;
  if (restricted_bytes_ > kMaxRestrictedBytes)
    throw ListingError("the listing has too many directories that others may not read");
}

}  // namespace mirror::scanner
