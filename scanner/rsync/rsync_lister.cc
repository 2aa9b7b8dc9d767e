#include "scanner/rsync/rsync_lister.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "core/path.h"
#include "os/child_process.h"

namespace mirror::scanner {
namespace {

// Twice 4,096 bytes of path and link target, every byte escaped as four, and the columns before
// them.
constexpr std::size_t kMaxLineBytes = 40 << 10;
constexpr std::size_t kMaxComplaintBytes = 1 << 10;
constexpr std::size_t kKeptComplaints = 3;
// rsync's own time-outs come first, since it says more.
constexpr std::chrono::seconds kSlack(10);

enum ExitStatus { kWhole = 0, kPartial = 23, kVanished = 24 };

std::vector<std::string> environment() {
  std::vector<std::string> env = {"LC_ALL=C", "TZ=UTC"};
  for (const char* const name : {"PATH", "RSYNC_PROXY", "RSYNC_PASSWORD"}) {
    if (const char* const value = std::getenv(name))
      env.push_back(fmt::format("{}={}", name, value));
  }
  return env;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Lines of rsync's stdout into a Listing. What comes before the first entry is a message of the
// day.
class Parser {
 public:
  explicit Parser(Listing& listing) : listing_(listing) {}

  void line(std::string_view text, bool cut) {
    if (!parse_rsync_line(text, entry_)) {
      if (listing_.counts.entries == 0) return;
      throw ListingError(fmt::format("the listing has a line that is no entry: '{}'",
                                     printable(text.substr(0, 200))));
    }
    if (cut) {
      listing_.add_too_long();
    } else {
      listing_.add(entry_);
    }
  }

 private:
  Listing& listing_;
  ListedEntry entry_;
};

[[noreturn]] void fail(int status, const Complaints& complaints, std::int64_t entries) {
  std::string what = fmt::format("rsync exited {}", status);
  if (!complaints.verdict().empty()) what += fmt::format(" ({})", complaints.verdict());
  if (status > 128 && complaints.verdict().empty())
    what = fmt::format("rsync was ended by signal {}", status - 128);
  what += fmt::format(" after {} entries", entries);
  const std::string text = complaints.text();
  throw ListingError(text.empty() ? what : fmt::format("{}: {}", what, text));
}

void judge(int status, const RsyncJob& job, const Complaints& complaints, Listing& listing) {
  ListingCounts& counts = listing.counts;
  counts.unreadable_directories = complaints.unreadable();
  if (status == kPartial && counts.entries == 0 && job.may_be_missing &&
      complaints.missing_directory()) {
    counts.missing = true;
    return;
  }
  const bool whole = status == kWhole || status == kVanished ||
                     (status == kPartial && complaints.only_unreadable_directories());
  if (!whole) fail(status, complaints, counts.entries);
  if (counts.entries == 0)
    throw ListingError("rsync sent no listing: does the URL name a module that may be listed?");
}

}  // namespace

void Complaints::add(std::string_view line) {
  constexpr std::string_view kVerdict = "rsync error: ";
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  if (line.starts_with(kVerdict)) {
    const std::size_t end = line.find(" (code ");
    if (verdict_.empty())
      verdict_ = printable(line.substr(
          kVerdict.size(), end == std::string_view::npos ? end : end - kVerdict.size()));
    return;
  }
  if (line.starts_with("rsync warning: ") || line.starts_with("file has vanished: ") ||
      line.starts_with("directory has vanished: ")) {
    return;
  }
  // `rsync: [sender] opendir "secret" (in module) failed: Permission denied (13)`; before 3.2.3
  // without `[sender] `.
  const bool rsync_line = line.starts_with("rsync: ");
  if (rsync_line && has(line, "opendir \"") && has(line, "failed: Permission denied (13)")) {
    ++unreadable_;
    return;
  }
  if (rsync_line && (has(line, "change_dir \"") || has(line, "link_stat \"")) &&
      has(line, "failed: No such file or directory (2)")) {
    missing_directory_ = true;
  }
  ++others_;
  if (first_.size() < kKeptComplaints) first_.push_back(printable(line));
}

std::string Complaints::text() const {
  std::string out = fmt::format("{}", fmt::join(first_, "; "));
  if (others_ > static_cast<std::int64_t>(first_.size()))
    out += fmt::format("; and {} more", others_ - static_cast<std::int64_t>(first_.size()));
  return out;
}

void list_rsync(const RsyncJob& job, Listing& listing, const Control& control) {
  Parser parser(listing);
  Complaints complaints;
  LineCutter entries(kMaxLineBytes,
                     [&](std::string_view line, bool cut) { parser.line(line, cut); });
  LineCutter words(kMaxComplaintBytes, [&](std::string_view line, bool) { complaints.add(line); });
  ChildProcess child(find_program("rsync", MIRROR_RSYNC), rsync_command(job), environment());
  const std::chrono::milliseconds idle = std::chrono::seconds(job.idle_timeout_s) +
                                         std::chrono::seconds(job.connect_timeout_s) + kSlack;
  const ReadEnd end =
      child.read([&](std::string_view data) { entries.feed(data); },
                 [&](std::string_view data) { words.feed(data); }, idle, control.stop_fd);
  if (end == ReadEnd::stopped)
    throw ListingError(fmt::format("interrupted after {} entries", listing.counts.entries));
  if (end == ReadEnd::idle) {
    throw ListingError(fmt::format("rsync said nothing for {} s after {} entries",
                                   idle.count() / 1000, listing.counts.entries));
  }
  const int status = child.wait(kSlack);
  words.finish();
  judge(status, job, complaints, listing);
  if (entries.in_line())
    throw ListingError(
        fmt::format("the listing ends within a line after {} entries", listing.counts.entries));
}

}  // namespace mirror::scanner
