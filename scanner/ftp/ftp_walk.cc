#include "scanner/ftp/ftp_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <deque>
#include <functional>
#include <memory>

#include "core/ascii.h"
#include "core/path.h"
#include "net/fetcher.h"
#include "scanner/ftp/ftp_client.h"
#include "scanner/ftp/ftp_lines.h"
#include "scanner/ftp/ftp_options.h"
#include "scanner/ftp/ftp_site.h"
#include "scanner/ftp/ftp_times.h"
#include "scanner/list/pace.h"
#include "scanner/list/part.h"
#include "scanner/rsync/password.h"

namespace mirror::scanner::ftp {
namespace {

using Command = FtpClient::Command;

constexpr std::size_t kWindow = 96;          // folders under way or waiting for their turn
constexpr std::size_t kMostItems = 100'000;  // of these; no further folder begins beyond
// Listings that were asked for before may bring more, but no more than so many.
constexpr std::size_t kHardMostItems = 300'000;
constexpr std::size_t kLookUp = 32;         // folders for which one look at the source pays
constexpr std::size_t kMostPaths = 20'000;  // of one look at the source
constexpr int kStrangeFolders = 50;         // as of web indexes
constexpr std::size_t kAsksAtOnce = 16;     // until their answers show the time zone
constexpr std::int64_t kMostAsks = 20'000;  // of one listing
constexpr std::size_t kMostUndecided = 1000;

struct Folder {
  enum class State : std::uint8_t { asked, parsed, times, ready };
  std::string path;            // below the listing's root; "": the root
  bool strange = false;        // the source has nothing below it
  bool shown_readable = true;  // by the listing of the folder above
  bool by_link = false;        // may lead nowhere
  bool unreadable = false;     // nothing below it is listed
  State state = State::asked;
  std::vector<FtpItem> items;
  std::size_t next = 0, asks = 0;  // the first item without its time; answers that it waits for
};

net::FtpRequest request_of(const Target& target, const FtpOptions& options, const FtpUrl& url) {
  net::FtpRequest request;
  request.server = url.server;
  request.user = url.user.empty() ? "anonymous" : url.user;
  if (url.user.empty()) {
    request.password = target.contact.empty() ? "mb-scan@" : target.contact;
  } else if (!target.password_file.empty()) {
    request.password = read_password(target.password_file);
  }
  request.explicit_tls = options.explicit_tls;
  request.ca_file = target.ca_file;
  request.connect_timeout = std::chrono::seconds(target.connect_timeout_s);
  request.idle_timeout = std::chrono::seconds(target.idle_timeout_s);
  return request;
}

// libcurl sends no control characters.
bool can_be_sent(std::string_view path) {
  return std::none_of(path.begin(), path.end(),
                      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

bool says_denied(std::string_view reply) {
  const auto says = [&](std::string_view word) { return lower(reply).find(word) != reply.npos; };
  return says("denied") || says("permission") || says("failed to open directory");
}

class Walk {
 public:
  Walk(const Target& target, KnownFiles& known, Listing& listing, const Control& control)
      : target_(target),
        options_(read_ftp_options(target.options)),
        url_(read_ftp_url(target.url)),
        known_(known),
        listing_(listing),
        control_(control),
        client_(request_of(target, options_, url_), options_),
        pace_(target.max_minutes, Pace::Clock::now()) {}

  db::Fidelity run() {
    log_in();
    waiting_.push_back({});
    while (!waiting_.empty() || !window_.empty()) {
      begin_folders();
      wait();
      look_up();
      settle_times();
      pass_on();
    }
    for (FtpItem& item : undecided_) {
      times_->decide(item);
      listing_.add(item.shown.entry);
    }
    return {.times = times_->precision()};
  }

 private:
  struct Waiting {
    std::string path;
    bool strange = false, readable = true, by_link = false;
  };

  [[noreturn]] void fail(std::string_view path, std::string_view words) const {
    throw ListingError(fmt::format("{}/{}: {}, after {} entries", url_.server,
                                   printable(without_slashes(path)), words,
                                   listing_.counts.entries));
  }

  // Until something was answered, or a second is over.
  void wait() {
    if (control_.stopped())
      throw ListingError(fmt::format("interrupted after {} entries", listing_.counts.entries));
    if (client_.open() > 0) client_.run(control_.stop_fd);
    pace_.check(listing_.counts.entries + answers_, Pace::Clock::now());
  }

  void log_in() {
    bool here = false;
    client_.ask(Command::features, "", [&](FtpResult&& result) {
      here = true;
      if (result.kind == FtpResult::Kind::failed) fail("", result.words);
      site_ = read_site(result.answer, joined_path(url_.path, target_.directory));
    });
    while (!here) wait();
    command_ = site_.has_mlsd ? Command::mlsd : site_.is_unix ? Command::list_all : Command::list;
    times_ = std::make_unique<FtpTimes>(site_.has_mdtm);
  }

  // The listings that are still to come may all be as large as the largest so far.
  bool may_begin() const {
    const auto asked = std::count_if(window_.begin(), window_.end(), [](const auto& folder) {
      return folder->state == Folder::State::asked;
    });
    const std::size_t expected = (static_cast<std::size_t>(asked) + 1) * largest_;
    return window_.empty() ||
           (window_.size() < kWindow && items_ < kMostItems && items_ + expected <= kHardMostItems);
  }

  void begin_folders() {
    while (!waiting_.empty() && may_begin()) {
      auto& folder = *window_.emplace_back(std::make_unique<Folder>());
      folder.path = std::move(waiting_.front().path);
      folder.strange = waiting_.front().strange;
      folder.shown_readable = waiting_.front().readable;
      folder.by_link = waiting_.front().by_link;
      waiting_.pop_front();
      ask_for(folder);
    }
  }

  void ask_for(Folder& folder) { ask_for(folder, command_); }

  void ask_for(Folder& folder, Command command) {
    const std::string path = site_.folder(folder.path);
    if (!can_be_sent(path)) return make_unreadable(folder);
    client_.ask(command, path, [this, &folder, command](FtpResult&& result) {
      ++answers_;
      take_folder(folder, result, command);
    });
  }

  void take_folder(Folder& folder, const FtpResult& result, Command command) {
    if (must_use_other_command(result, command)) {
      command_ = site_.is_unix && command == Command::mlsd ? Command::list_all : Command::list;
      return ask_for(folder);
    }
    if (result.kind == FtpResult::Kind::refused) return leave_out(folder, result);
    if (result.kind == FtpResult::Kind::failed) return give_up(folder, result.words);
    // Not even the folder itself: the server took the option for a name.
    if (command == Command::list_all && result.answer.body.empty())
      return ask_for(folder, Command::list);
    FtpFolder read = read_folder(result.answer.body, command == Command::mlsd, std::time(nullptr));
    if (!read.fault.empty()) return give_up(folder, read.fault);
    take_items(folder, std::move(read.entries));
  }

  // Unknown commands and options (RFC 959 §4.2.1).
  static bool must_use_other_command(const FtpResult& result, Command command) {
    const int code = result.answer.code;
    const bool unknown = code == 500 || code == 501 || code == 502 || code == 504;
    return result.kind != FtpResult::Kind::done && unknown && command != Command::list;
  }

  void take_items(Folder& folder, std::vector<FtpEntry>&& entries) {
    if (items_ + entries.size() > kHardMostItems) {
      return give_up(folder, fmt::format("its listing and those of the folders beside it have more "
                                         "than {} entries, too many to keep in memory",
                                         kHardMostItems));
    }
    items_ += entries.size();
    largest_ = std::max(largest_, entries.size());
    folder.items.reserve(entries.size());
    for (FtpEntry& entry : entries) {
      entry.entry.path = joined_path(folder.path, entry.entry.path);
      folder.items.push_back({std::move(entry), {}, false});
    }
    folder.state = Folder::State::parsed;
  }

  // Of a folder without its listing. One of which the source has nothing is not worth the scan.
  void give_up(Folder& folder, std::string_view words) const {
    if (!folder.strange) fail(folder.path, words);
    folder.state = Folder::State::ready;
  }

  // What the server shows and does not let us read counts as absent; any other refusal of a folder
  // that was just listed means that the listing is not whole.
  void leave_out(Folder& folder, const FtpResult& result) {
    const bool denied = says_denied(result.answer.reply);
    if (folder.by_link && !denied) {
      folder.state = Folder::State::ready;
    } else if (folder.path.empty() && target_.may_be_missing && !denied) {
      listing_.counts.missing = true;
      folder.state = Folder::State::ready;
    } else if (!folder.path.empty() && (denied || !folder.shown_readable)) {
      make_unreadable(folder);
    } else {
      give_up(folder, result.words);
    }
  }

  static void make_unreadable(Folder& folder) {
    folder.unreadable = !folder.strange;
    folder.state = Folder::State::ready;
  }

  // For many folders at a time, or when there is nothing else to do.
  void look_up() {
    std::vector<Folder*> parsed;
    bool others = false;  // listings are still to come
    for (const auto& folder : window_) {
      if (folder->state == Folder::State::parsed) parsed.push_back(folder.get());
      others = others || folder->state == Folder::State::asked;
    }
    const bool first_waits = !window_.empty() && window_.front()->state == Folder::State::parsed;
    const bool idle = first_waits && waiting_.empty();
    if (parsed.empty() || (parsed.size() < kLookUp && others && !idle)) return;
    look_up_items(parsed);
    for (Folder* folder : parsed) folder->state = Folder::State::times;
  }

  // MLSD leaves no doubt about files. A link counts as what the source has there: files and folders
  // that the mirror keeps elsewhere.
  void look_up_items(const std::vector<Folder*>& folders) {
    std::vector<FtpItem*> files, below;
    for (Folder* folder : folders) {
      for (FtpItem& item : folder->items) {
        const ListedKind kind = item.shown.entry.kind;
        item.by_link = kind == ListedKind::link;
        if (kind == ListedKind::directory || item.by_link) below.push_back(&item);
        if ((kind == ListedKind::file && !item.shown.time.is_utc) || item.by_link)
          files.push_back(&item);
        if (files.size() == kMostPaths) look_up_files(files);
        if (below.size() == kMostPaths) look_up_folders(below);
      }
    }
    look_up_files(files);
    look_up_folders(below);
    for (Folder* folder : folders) {
      for (FtpItem& item : folder->items) {
        if (item.by_link) take_link(item);
      }
    }
  }

  static void take_link(FtpItem& item) {
    Entry& entry = item.shown.entry;
    if (item.known_folder) entry.kind = ListedKind::directory;
    if (item.known) entry.kind = ListedKind::file;
    entry.world_readable = true;  // a link's own mode says nothing
  }

  static std::vector<std::string> paths_of(const std::vector<FtpItem*>& items) {
    std::vector<std::string> paths;
    for (const FtpItem* item : items) paths.push_back(item->shown.entry.path);
    return paths;
  }

  void look_up_files(std::vector<FtpItem*>& items) {
    if (items.empty()) return;
    auto found = known_.files(paths_of(items));
    for (std::size_t i = 0; i < items.size(); ++i) items[i]->known = std::move(found[i]);
    items.clear();
  }

  void look_up_folders(std::vector<FtpItem*>& items) {
    if (items.empty()) return;
    const std::vector<db::KnownFolder> found = known_.folders(paths_of(items));
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i]->known_folder = found[i] == db::KnownFolder::folder;
      items[i]->source_has_link = found[i] == db::KnownFolder::link;
    }
    items.clear();
  }

  void settle_times() {
    for (const auto& folder : window_) {
      if (folder->state == Folder::State::times) settle_times(*folder);
    }
  }

  void settle_times(Folder& folder) {
    while (folder.next < folder.items.size() && asks_ < kAsksAtOnce) {
      FtpItem& item = folder.items[folder.next++];
      if (item.shown.entry.kind != ListedKind::file) continue;
      const bool may_ask = listing_.counts.heads < kMostAsks;
      if (item.by_link) {
        item.shown.entry.kind = ListedKind::special;  // until it is known what it leads to
        if (may_ask) ask_link(folder, item);
      } else if (!item.shown.time.is_utc && times_->must_ask(item) && may_ask) {
        ask_time(folder, item);
      }
    }
    if (folder.next == folder.items.size() && folder.asks == 0) folder.state = Folder::State::ready;
  }

  void ask_time(Folder& folder, FtpItem& item) {
    const std::string path = site_.file(item.shown.entry.path);
    if (!can_be_sent(path)) return;
    ask(folder, item, path, [this, &item](const net::FtpAnswer& told) {
      if (!times_->take(item, told.time_s)) put_off(item);
    });
  }

  // It is listed at the end.
  void put_off(FtpItem& item) {
    if (undecided_.size() >= kMostUndecided) return;
    undecided_.push_back(item);
    item.shown.entry.kind = ListedKind::special;
  }

  // What it shows are a link's own size and time.
  void ask_link(Folder& folder, FtpItem& item) {
    const std::string path = site_.file(item.shown.entry.path);
    if (!can_be_sent(path)) return;
    ask(folder, item, path, [this, &item](const net::FtpAnswer& told) {
      Entry& entry = item.shown.entry;
      if (!told.size_bytes || !told.time_s) return;
      entry.kind = ListedKind::file;
      entry.size_bytes = *told.size_bytes;
      entry.odd_time = false;
      if (!times_->take_untimed(item, *told.time_s)) put_off(item);
    });
  }

  void ask(Folder& folder, const FtpItem& item, const std::string& path,
           std::function<void(const net::FtpAnswer&)> take) {
    ++listing_.counts.heads;
    ++folder.asks;
    ++asks_;
    client_.ask(Command::time, path,
                [this, &folder, &item, take = std::move(take)](FtpResult&& result) {
                  ++answers_;
                  --folder.asks;
                  --asks_;
                  if (result.kind == FtpResult::Kind::failed)
                    fail(item.shown.entry.path, result.words);
                  take(result.answer);
                });
  }

  // Those that are ready, in the order in which they were asked for.
  void pass_on() {
    while (!window_.empty() && window_.front()->state == Folder::State::ready) {
      const std::unique_ptr<Folder> folder = std::move(window_.front());
      window_.pop_front();
      items_ -= folder->items.size();
      if (folder->unreadable) listing_.add_unreadable(folder->path);
      for (const FtpItem& item : folder->items) pass_on(item);
    }
  }

  void pass_on(const FtpItem& item) {
    const Entry& entry = item.shown.entry;
    const bool wanted = listing_.add(entry);
    if (entry.kind != ListedKind::directory || !wanted || entry.path.size() > kMaxPathBytes) return;
    if (item.source_has_link) return;  // redirects name the real path
    if (!item.known_folder && ++strange_ > kStrangeFolders) return;
    waiting_.push_back({entry.path, !item.known_folder, entry.world_readable, item.by_link});
  }

  const Target& target_;
  const FtpOptions options_;
  const FtpUrl url_;
  KnownFiles& known_;
  Listing& listing_;
  const Control& control_;
  FtpClient client_;
  Pace pace_;
  FtpSite site_;
  Command command_ = Command::list;  // by which folders are listed
  std::unique_ptr<FtpTimes> times_;
  std::vector<FtpItem> undecided_;              // their times show nothing before all are here
  std::deque<Waiting> waiting_;                 // folders, in the order of the listing
  std::deque<std::unique_ptr<Folder>> window_;  // those that follow next, in that order
  std::size_t items_ = 0;                       // in the window
  std::size_t largest_ = 0;                     // entries of a folder
  std::size_t asks_ = 0;                        // for times, under way
  std::int64_t answers_ = 0;
  int strange_ = 0;
};

}  // namespace

db::Fidelity list_ftp(const Target& target, KnownFiles& known, Listing& listing,
                      const Control& control) {
  try {
    return Walk(target, known, listing, control).run();
  } catch (const net::FetchError& error) {
    throw ListingError(error.what());
  }
}

}  // namespace mirror::scanner::ftp
