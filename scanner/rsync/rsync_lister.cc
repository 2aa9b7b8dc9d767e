#include "scanner/rsync/rsync_lister.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>

#include "core/path.h"
#include "os/child_process.h"
#include "scanner/list/pace.h"
#include "scanner/list/part.h"
#include "scanner/rsync/password.h"
#include "scanner/rsync/rsync_command.h"
#include "scanner/rsync/rsync_environment.h"
#include "scanner/rsync/rsync_list.h"

namespace mirror::scanner {
namespace {

// Twice 4,096 bytes of path and link target, every byte escaped as four, and the columns before
// them.
constexpr std::size_t kMaxLineBytes = 40 << 10;
constexpr std::size_t kMaxComplaintBytes = 20 << 10;  // a path of 4,096 bytes, each escaped as four
constexpr std::size_t kMaxShownBytes = 1 << 10;
constexpr std::size_t kMaxUnreadableBytes = 16 << 20;
constexpr std::size_t kSetEntryBytes = 64;  // about what a set spends on an entry beside its text
constexpr std::size_t kKeptComplaints = 3;
constexpr std::chrono::seconds kEndPatience(10);  // for rsync to end after its last word
// rsync's own time-outs come first, since it says more. It looks at its clock as often as they
// last.
constexpr std::chrono::seconds kMostSlack(10);

enum ExitStatus { kWhole = 0, kPartial = 23, kVanished = 24 };

// Takes `part` off the beginning of `text`, if it is there.
bool take(std::string_view& text, std::string_view part) {
  if (!text.starts_with(part)) return false;
  text.remove_prefix(part.size());
  return true;
}

// A complaint about one name: `rsync: [sender] opendir "name" (in module) failed: Words
// (13)`. 2.6.9 to 3.2.2 have no `[sender] `, later calls stand in brackets: `readlink_stat("name"
// (in module))`.
struct CallComplaint {
  std::string_view call;
  std::string path;        // from the module's root
  std::string_view error;  // its number, in parentheses: words may be in any language
};
std::optional<CallComplaint> read_call(std::string_view line) {
  if (!take(line, "rsync: ")) return std::nullopt;
  take(line, "[sender] ");
  CallComplaint complaint;
  const std::size_t call_end = line.find_first_of(" (");
  const std::size_t open = line.find('"');
  const std::size_t failed = line.rfind(" failed: ");
  const std::size_t error = line.rfind(" (");
  if (failed == line.npos || open > failed || open < call_end || open > call_end + 2 ||
      error == line.npos || error < failed)
    return std::nullopt;
  const std::string_view name = line.substr(open + 1, failed - open - 1);
  const std::size_t close = name.rfind('"');
  if (close == name.npos) return std::nullopt;
  complaint.call = line.substr(0, call_end);
  unescape_rsync(without_slashes(name.substr(0, close)), complaint.path);
  if (complaint.path == ".") complaint.path.clear();
  complaint.error = line.substr(error + 1);
  return complaint;
}

// Lines of rsync's stdout into a Listing. What comes before the first entry is a message of the
// day.
class Parser {
 public:
  explicit Parser(Listing& listing) : listing_(listing) {}

  void line(std::string_view text, bool cut) {
    if (!parse_rsync_line(text, entry_)) {
      if (listing_.counts.entries == 0) return;
      throw ListingError(fmt::format("the listing has a line that is not an entry: '{}'",
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
  Entry entry_;
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

// Complaints name paths from the module's root, entries begin at `listed`.
void add_unreadable(const Complaints& complaints, const std::string& listed, Listing& listing) {
  for (std::string_view path : complaints.unreadable()) {
    const bool below = listed.empty() || (take(path, listed) && path.starts_with('/'));
    path = without_slashes(path);
    if (below && !path.empty()) {
      listing.add_unreadable(path);
    } else {
      listing.add_unreadable_root();
    }
  }
}

void judge(int status, const Target& target, const Complaints& complaints, Listing& listing) {
  ListingCounts& counts = listing.counts;
  if (status == kPartial && counts.entries == 0 && target.may_be_missing &&
      complaints.missing_directory()) {
    counts.missing = true;
    return;
  }
  const bool whole = status == kWhole || status == kVanished ||
                     (status == kPartial && complaints.only_unreadable_directories());
  if (!whole) fail(status, complaints, counts.entries);
  if (counts.entries == 0)
    throw ListingError("rsync sent no listing: does the URL name a module that may be listed?");
  add_unreadable(complaints, listed_directory(target), listing);
}

ChildProcess::Patience patience_with(const Target& target) {
  const std::chrono::seconds idle(target.idle_timeout_s);
  const std::chrono::seconds between = idle + std::min(idle, kMostSlack);
  return {between + std::chrono::seconds(target.connect_timeout_s), between};
}

}  // namespace

std::vector<std::string> rsync_environment(const std::optional<std::string>& password,
                                           const std::string& ca_file) {
  std::vector<std::string> env = {"LC_ALL=C", "TZ=UTC"};
  const auto pass_on = [&env](const char* name) {
    if (const char* const value = std::getenv(name))
      env.push_back(fmt::format("{}={}", name, value));
  };
  pass_on("PATH");
  pass_on("RSYNC_PROXY");
  if (password && password->empty()) pass_on("RSYNC_PASSWORD");
  if (password && !password->empty()) env.push_back("RSYNC_PASSWORD=" + *password);
  if (!ca_file.empty()) env.push_back("RSYNC_SSL_CA_CERT=" + ca_file);
  return env;
}

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
  if (note_unreadable(line)) return;
  ++others_;
  if (first_.size() < kKeptComplaints) first_.push_back(printable(line.substr(0, kMaxShownBytes)));
}

// A name in a directory that may be read and not searched is listed, and cannot be examined:
// `readlink_stat("noexec/z" (in pub))`, 2.6.9 `readlink "noexec/z" (in pub)`. 3.5 says opendir.
bool Complaints::note_unreadable(std::string_view line) {
  constexpr std::size_t kRoot = std::string::npos;
  std::optional<CallComplaint> complaint = read_call(line);
  if (!complaint) return false;
  if (complaint->error == "(2)" &&
      (complaint->call == "change_dir" || complaint->call == "link_stat"))
    missing_directory_ = true;
  if (complaint->error != "(13)") return false;
  std::string& path = complaint->path;
  if (complaint->call == "readlink_stat" || complaint->call == "readlink") {
    const std::size_t slash = path.rfind('/');
    path.resize(slash == kRoot ? 0 : slash);
  } else if (complaint->call != "opendir") {
    return false;
  }
  const std::size_t bytes = path.size() + kSetEntryBytes;
  if (unreadable_.contains(path)) return true;
  if (unreadable_bytes_ + bytes > kMaxUnreadableBytes) return false;
  unreadable_bytes_ += bytes;
  unreadable_.insert(std::move(path));
  return true;
}

std::string Complaints::text() const {
  std::string out = fmt::format("{}", fmt::join(first_, "; "));
  if (others_ > static_cast<std::int64_t>(first_.size()))
    out += fmt::format("; and {} more", others_ - static_cast<std::int64_t>(first_.size()));
  return out;
}

db::Fidelity list_rsync(const Target& target, Listing& listing, const Control& control) {
  const std::string password =
      target.password_file.empty() ? "" : read_password(target.password_file);
  Parser parser(listing);
  Complaints complaints;
  LineCutter entries(kMaxLineBytes,
                     [&](std::string_view line, bool cut) { parser.line(line, cut); });
  LineCutter words(kMaxComplaintBytes, [&](std::string_view line, bool) { complaints.add(line); });
  const std::string program = uses_ssl(target) ? find_program("rsync-ssl", MIRROR_RSYNC "-ssl")
                                               : find_program("rsync", MIRROR_RSYNC);
  ChildProcess child(program, rsync_command(target), rsync_environment(password, target.ca_file));
  const ChildProcess::Patience patience = patience_with(target);
  Pace pace(target.max_minutes, Pace::Clock::now());
  bool said = false;
  const auto paced = [&](const auto& feed) {
    return [&pace, &listing, &said, feed](std::string_view data) {
      said = true;
      feed(data);
      pace.check(listing.counts.entries, Pace::Clock::now());
    };
  };
  const ReadEnd end = child.read(paced([&](std::string_view data) { entries.feed(data); }),
                                 paced([&](std::string_view data) { words.feed(data); }), patience,
                                 control.stop_fd);
  if (end == ReadEnd::stopped)
    throw ListingError(fmt::format("interrupted after {} entries", listing.counts.entries));
  if (end == ReadEnd::idle) {
    throw ListingError(fmt::format("rsync said nothing for {} s after {} entries",
                                   (said ? patience.between : patience.first).count() / 1000,
                                   listing.counts.entries));
  }
  const int status = child.wait(kEndPatience);
  words.finish();
  judge(status, target, complaints, listing);
  if (entries.in_line())
    throw ListingError(
        fmt::format("the listing ends within a line after {} entries", listing.counts.entries));
  return {.times = db::Precision::second};
}

}  // namespace mirror::scanner
