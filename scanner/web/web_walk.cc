#include "scanner/web/web_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "core/path.h"
#include "core/url.h"
#include "net/fetcher.h"
#include "scanner/list/pace.h"
#include "scanner/list/part.h"
#include "scanner/web/folder.h"
#include "scanner/web/href.h"
#include "scanner/web/index_page.h"
#include "scanner/web/look_up.h"
#include "scanner/web/robots_reader.h"
#include "scanner/web/settling.h"
#include "scanner/web/web_client.h"
#include "scanner/web/web_options.h"

namespace mirror::scanner::web {
namespace {

using State = Folder::State;

constexpr std::size_t kWindow = 384;        // folders under way or waiting for their turn
constexpr std::size_t kMostItems = 30'000;  // of these; no further folder begins beyond
// Pages that were asked for before may bring more. Beyond so many a page is given up, and asked for
// again when there is room.
constexpr std::size_t kHardMostItems = 60'000;
// A large page lets fewer folders be asked for at a time, until so many pages were smaller.
constexpr std::size_t kForgetsAfter = 32;
constexpr std::size_t kLookUp = 128;          // folders for which one look at the source pays
constexpr std::size_t kLookUpItems = 10'000;  // or items of fewer
// Folders that the source does not have: so many are read all the same, because they show that a
// wrong URL or prefix was set.
constexpr int kStrangeFolders = 50;

// Folders with a page of their own. A server that shows no more of itself is not listed so, nor one
// that shows more of these than of others, unless they are few.
constexpr std::int64_t kMostUnlisted = 1000, kFewUnlisted = 10;

constexpr std::string_view kRobotsWords =
    "robots.txt of the server forbids programs to read it (the option robots=ignore is for mirrors "
    "whose admin agrees)";

class Walk {
 public:
  Walk(const Target& target, KnownFiles& known, Listing& listing, const Control& control)
      : target_(target),
        options_(read_web_options(target.options)),
        known_(known),
        listing_(listing),
        control_(control),
        client_(settings_of(target, options_)),
        pace_(target.max_minutes, Pace::Clock::now()),
        base_(target.directory.empty() ? target.url
                                       : file_url(target.url, target.directory) + '/') {}

  db::Fidelity run() {
    if (options_.heeds_robots) read_robots();
    waiting_.push_back({});
    while (!waiting_.empty() || !window_.empty()) {
      begin_folders();
      wait();
      look_up();
      settle_items();
      pass_on();
    }
    if (unlisted_ > kFewUnlisted && unlisted_ > listed_) too_many_unlisted(base_);
    listing_.counts.timeless = settling_.timeless();
    return settling_.fidelity();
  }

 private:
  struct Waiting {
    std::string path;
    bool strange = false, guessed = false;
  };

  [[noreturn]] void fail(const std::string& url, std::string_view words) const {
    throw ListingError(
        fmt::format("{}: {}, after {} entries", printable(url), words, listing_.counts.entries));
  }

  std::string url_of(const Folder& folder) const {
    return folder.path.empty() ? base_ : file_url(base_, folder.path) + '/';
  }

  // Until something was answered, or a second is over.
  void wait() {
    if (control_.stopped())
      throw ListingError(fmt::format("interrupted after {} entries", listing_.counts.entries));
    if (client_.open() > 0) client_.run(control_.stop_fd);
    pace_.check(listing_.counts.entries + answers_, Pace::Clock::now());
  }

  void read_robots() {
    RobotsRead read = web::read_robots(client_, target_.url, [this] { wait(); });
    if (!read.fault.empty()) fail(read.url, read.fault);
    robots_ = std::move(read.robots);
  }

  bool robots_allow(const std::string& url) const {
    const std::size_t path = url.find('/', url.find("://") + 3);
    return !options_.heeds_robots || robots_.allows(url.substr(path));
  }

  // The pages that are still to come may all be as large as the largest of late.
  bool has_room() const {
    const auto asked = std::count_if(window_.begin(), window_.end(), [](const auto& folder) {
      return folder->state == State::asked;
    });
    const std::size_t expected = (static_cast<std::size_t>(asked) + 1) * largest_page_;
    return items_ + expected <= kHardMostItems;
  }

  // The first of the window has room always: all others wait for it.
  void ask_for_held() {
    held_ = 0;
    for (const auto& folder : window_) {
      if (folder->state != State::held) continue;
      if (folder != window_.front() && !has_room()) {
        ++held_;
        continue;
      }
      folder->state = State::asked;
      folder->hops = 0;
      ask_for(*folder, url_of(*folder));
    }
  }

  bool may_begin() const {
    return window_.empty() ||
           (held_ == 0 && window_.size() < kWindow && items_ < kMostItems && has_room());
  }

  void begin_folders() {
    ask_for_held();
    while (!waiting_.empty() && may_begin()) {
      auto& folder = *window_.emplace_back(std::make_unique<Folder>());
      folder.path = std::move(waiting_.front().path);
      folder.strange = waiting_.front().strange;
      folder.guessed = waiting_.front().guessed;
      waiting_.pop_front();
      ask_for(folder, url_of(folder));
    }
  }

  void ask_for(Folder& folder, const std::string& url) {
    if (!robots_allow(url))
      return folder.guessed ? make_unreadable(folder) : give_up(folder, url, kRobotsWords);
    client_.get(url, [this, &folder, url](WebAnswer&& answer) {
      ++answers_;
      take_page(folder, url, answer);
    });
  }

  void take_page(Folder& folder, const std::string& url, WebAnswer& answer) {
    if (!answer.fault.empty()) {
      const bool is_other = !folder.path.empty() && answer.status == 200 && answer.parts.cut &&
                            !looks_like_index(answer.parts.body);
      return is_other ? make_unlisted(folder, url) : give_up(folder, url, answer.fault);
    }
    if (is_redirect(answer.status)) return follow(folder, url, answer);
    if (is_refusal(answer.status)) return leave_out(folder, url, answer);
    if (answer.status != 200) return give_up(folder, url, answer_words(answer));
    IndexPage page = read_index(url, answer.parts.body, answer.parts.end_is_told);
    std::string().swap(answer.parts.body);
    if (page.is_other && !folder.path.empty()) return make_unlisted(folder, url);
    if (!page.fault.empty()) return give_up(folder, url, "it " + page.fault);
    const std::size_t count = page.entries.size();
    largest_page_ = std::max(largest_page_ - largest_page_ / kForgetsAfter, count);
    if (items_ + count > kHardMostItems && &folder != window_.front().get()) {
      folder.state = State::held;
      return;
    }
    items_ += count;
    folder.shown = std::move(page.entries);
    for (PageEntry& entry : folder.shown) folder.add(entry);
    folder.state = State::parsed;
    ++listed_;
  }

  // It may be there with all its files, and be shown by an index.html of its own.
  void make_unlisted(Folder& folder, const std::string& url) {
    if (folder.strange || folder.guessed) return give_up(folder, url, "");
    if (++unlisted_ > kMostUnlisted) too_many_unlisted(url);
    folder.unlisted = true;
    folder.state = State::ready;
  }

  [[noreturn]] void too_many_unlisted(const std::string& url) const {
    fail(url, fmt::format("{} folders have a page that is not a directory index of a kind that is "
                          "known, and {} have a directory index",
                          unlisted_, listed_));
  }

  // Of a folder without its page. One of which the source has nothing, or that no page shows, is
  // not worth the listing.
  void give_up(Folder& folder, const std::string& url, std::string_view words) const {
    if (!folder.strange && !folder.guessed) fail(url, words);
    folder.kept = folder.guessed;
    folder.state = State::ready;
  }

  // Only to the same folder, by https or with other escapes: what is elsewhere is not what clients
  // would get below this URL.
  void follow(Folder& folder, const std::string& url, const WebAnswer& answer) {
    const std::string to = answer.parts.redirect_url;
    if (is_below(to, target_.url) && !to.ends_with('/'))
      return give_up(folder, url, fmt::format("it redirects to '{}', no folder", printable(to)));
    if (!is_same_folder(url, to)) {
      if (!folder.path.empty()) return make_unreadable(folder);
      const std::string_view where =
          is_below(to, target_.url) ? "another folder" : "not below the URL to scan";
      fail(url,
           fmt::format("it redirects to '{}', which is {}; if that is the mirror's index, give "
                       "that URL to mb edit --index-url",
                       printable(to), where));
    }
    if (++folder.hops > kMostHops) return give_up(folder, url, "it redirects again and again");
    if (folder.path.empty()) base_ = to;
    ask_for(folder, to);
  }

  void leave_out(Folder& folder, const std::string& url, const WebAnswer& answer) {
    const bool gone = is_gone(answer.status);
    if (gone && folder.guessed) {
      folder.state = State::ready;
      return;
    }
    if (!folder.path.empty()) return make_unreadable(folder);
    if (!gone || !target_.may_be_missing) fail(url, answer_words(answer));
    listing_.counts.missing = true;
    folder.state = State::ready;
  }

  static void make_unreadable(Folder& folder) {
    folder.unreadable = !folder.strange;
    folder.state = State::ready;
  }

  // For many folders at a time, or when the server would have nothing to do.
  void look_up() {
    std::vector<Folder*> parsed;
    bool others = false;  // pages are still to come
    std::size_t items = 0;
    for (const auto& folder : window_) {
      if (folder->state == State::parsed) {
        parsed.push_back(folder.get());
        items += folder->items.size();
      }
      others = others || folder->state == State::asked;
    }
    const bool first_waits = !window_.empty() && window_.front()->state == State::parsed;
    const bool idle = client_.open() < static_cast<std::size_t>(options_.connections);
    const bool enough = parsed.size() >= kLookUp || items > kLookUpItems;
    if (parsed.empty() || (!enough && others && !(first_waits && idle))) return;
    look_up_items(known_, parsed);
    items_ += add_hidden(known_, parsed);
    for (Folder* folder : parsed) folder->state = State::heads;
  }

  // In the folders' order, so that the same files are asked for each time.
  void settle_items() {
    for (const auto& folder : window_) {
      if (folder->state == State::heads) settle_items(*folder);
    }
  }

  void settle_items(Folder& folder) {
    for (; folder.next < folder.items.size(); ++folder.next) {
      Item& item = folder.items[folder.next];
      if (item.shown->is_folder) continue;
      const Settling::Next next = settling_.next(item);
      if (next == Settling::Next::wait) return;
      if (next == Settling::Next::ask) ask_head(folder, item);
    }
    if (folder.heads > 0) return;
    for (Item& item : folder.items) settling_.settle_rest(item);
    folder.state = State::ready;
  }

  void ask_head(Folder& folder, Item& item) {
    const std::string url = file_url(base_, joined_path(folder.path, item.shown->name));
    const bool allowed = robots_allow(url);
    if (item.for_zone && (!allowed || listing_.counts.heads >= options_.heads))
      return settling_.take_nothing(item);
    if (!allowed && item.guessed) return settling_.refuse(item);
    if (!allowed) fail(url, kRobotsWords);
    if (++listing_.counts.heads > options_.heads) {
      fail(url,
           fmt::format("more than {} files need a HEAD request of their own, since the pages do "
                       "not show enough; the option heads=N allows more",
                       options_.heads));
    }
    ++folder.heads;
    client_.head(url, [this, &folder, &item, url](WebAnswer&& answer) {
      ++answers_;
      --folder.heads;
      take_head(item, url, answer);
    });
  }

  // A file counts as absent if the server redirects it: its version stays unknown.
  void take_head(Item& item, const std::string& url, const WebAnswer& answer) {
    const bool told = answer.fault.empty();
    if (told && answer.status == 200) return settling_.take(item, answer.parts);
    if (item.for_zone && !(told && is_gone(answer.status))) return settling_.take_nothing(item);
    if (!told) fail(url, answer.fault);
    if (!is_refusal(answer.status) && !is_redirect(answer.status)) fail(url, answer_words(answer));
    settling_.refuse(item);
  }

  // Those that are ready, in the order in which they were asked for.
  void pass_on() {
    while (!window_.empty() && window_.front()->state == State::ready) {
      const std::unique_ptr<Folder> folder = std::move(window_.front());
      window_.pop_front();
      items_ -= folder->items.size();
      if (folder->unreadable) {
        listing_.add_unreadable(folder->path);
        continue;
      }
      if (folder->unlisted) listing_.add_unlisted(folder->path);
      if (folder->kept) listing_.keep_below(folder->path);
      for (Item& item : folder->items) {
        if (!item.absent) pass_on(*folder, item);
      }
    }
  }

  void pass_on(const Folder& folder, Item& item) {
    entry_.path = joined_path(folder.path, item.shown->name);
    entry_.kind = item.shown->is_folder ? ListedKind::directory : ListedKind::file;
    entry_.world_readable = true;
    entry_.size_bytes = item.size_bytes;
    entry_.mtime_s = item.mtime_s;
    const bool wanted = listing_.add(entry_);
    if (!item.shown->is_folder || !wanted || entry_.path.size() > kMaxPathBytes) return;
    if (item.source_has_link) return;  // redirects name the real path
    if (!item.known_folder && ++strange_ > kStrangeFolders) return;
    waiting_.push_back({entry_.path, !item.known_folder, item.guessed});
  }

  const Target& target_;
  const WebOptions options_;
  KnownFiles& known_;
  Listing& listing_;
  const Control& control_;
  WebClient client_;
  Pace pace_;
  std::string base_;  // of the root's page, after its redirects
  Robots robots_{""};
  Settling settling_;
  std::deque<Waiting> waiting_;                 // folders, in the order of the listing
  std::deque<std::unique_ptr<Folder>> window_;  // those that follow next, in that order
  std::size_t items_ = 0;                       // in the window
  std::size_t largest_page_ = 0;                // of late: its entries
  std::size_t held_ = 0;                        // folders whose page was given up
  std::int64_t answers_ = 0;
  int strange_ = 0;
  std::int64_t unlisted_ = 0, listed_ = 0;  // folders
  Entry entry_;
};

}  // namespace

db::Fidelity list_web(const Target& target, KnownFiles& known, Listing& listing,
                      const Control& control) {
  try {
    return Walk(target, known, listing, control).run();
  } catch (const net::FetchError& error) {
    throw ListingError(error.what());
  }
}

}  // namespace mirror::scanner::web
