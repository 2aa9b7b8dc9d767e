#include "scanner/web/web_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <memory>

#include "core/http_date.h"
#include "core/path.h"
#include "core/url.h"
#include "net/fetcher.h"
#include "scanner/list/pace.h"
#include "scanner/list/part.h"
#include "scanner/web/folder.h"
#include "scanner/web/index_page.h"
#include "scanner/web/robots.h"
#include "scanner/web/web_client.h"
#include "scanner/web/web_options.h"

namespace mirror::scanner::web {
namespace {

using State = Folder::State;

constexpr int kMostHops = 5;                 // redirects from one folder's URL
constexpr std::size_t kWindow = 96;          // folders under way or waiting for their turn
constexpr std::size_t kMostItems = 100'000;  // of these; no further folder begins beyond
constexpr std::size_t kLookUp = 32;          // folders for which one look at the source pays
// Folders that the source does not have: so many are read all the same, because they show that a
// wrong URL or prefix was set.
constexpr int kStrangeFolders = 50;

WebSettings settings_of(const Target& target, const WebOptions& options) {
  WebSettings settings;
  settings.connections = options.connections;
  settings.requests_per_s = options.requests_per_s;
  settings.user_agent = target.user_agent;
  settings.ca_file = target.ca_file;
  settings.connect_timeout = std::chrono::seconds(target.connect_timeout_s);
  settings.timeout = std::chrono::seconds(target.idle_timeout_s);
  return settings;
}

bool is_redirect(int status) { return status >= 300 && status < 400; }
// The server says that nobody gets it.
bool is_refusal(int status) {
  return status == 401 || status == 403 || status == 404 || status == 410;
}

std::string answer_words(const WebAnswer& answer) {
  return answer.fault.empty() ? fmt::format("the server answers {}", answer.status) : answer.fault;
}

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
    waiting_.push_back({"", false});
    while (!waiting_.empty() || !window_.empty()) {
      begin_folders();
      wait();
      look_up();
      pass_on();
    }
    return {.times = times_};
  }

 private:
  struct Waiting {
    std::string path;
    bool strange = false;
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
    const std::string root =
        target_.url.substr(0, target_.url.find('/', target_.url.find("://") + 3));
    bool here = false;
    client_.get(root + "/robots.txt", [&](WebAnswer&& answer) {
      here = true;
      if (!answer.fault.empty() || answer.status >= 500)
        fail(root + "/robots.txt", answer_words(answer));
      robots_ = Robots(answer.status == 200 ? answer.parts.body : "", "mod_mirror");
    });
    while (!here) wait();
  }

  void heed_robots(const std::string& url) const {
    const std::size_t path = url.find('/', url.find("://") + 3);
    if (!options_.heeds_robots || robots_.allows(url.substr(path))) return;
    fail(url,
         "robots.txt of the server forbids programs to read it (the option robots=ignore is "
         "for mirrors whose admin agrees)");
  }

  void begin_folders() {
    while (!waiting_.empty() && window_.size() < kWindow && items_ < kMostItems) {
      auto& folder = *window_.emplace_back(std::make_unique<Folder>());
      folder.path = std::move(waiting_.front().path);
      folder.strange = waiting_.front().strange;
      waiting_.pop_front();
      ask_for(folder, url_of(folder));
    }
  }

  void ask_for(Folder& folder, const std::string& url) {
    heed_robots(url);
    client_.get(url, [this, &folder, url](WebAnswer&& answer) {
      ++answers_;
      take_page(folder, url, answer);
    });
  }

  void take_page(Folder& folder, const std::string& url, WebAnswer& answer) {
    if (!answer.fault.empty()) fail(url, answer.fault);
    if (is_redirect(answer.status)) return follow(folder, url, answer);
    if (is_refusal(answer.status)) return leave_out(folder, url, answer);
    if (answer.status != 200) fail(url, answer_words(answer));
    IndexPage page = read_index(url, answer.parts.body);
    if (!page.fault.empty()) fail(url, "it " + page.fault);
    items_ += page.entries.size();
    folder.items.reserve(page.entries.size());
    for (PageEntry& entry : page.entries) folder.items.emplace_back().shown = std::move(entry);
    folder.state = State::parsed;
  }

  // Only to what lies below the base: what is elsewhere is not what clients would get.
  void follow(Folder& folder, const std::string& url, const WebAnswer& answer) {
    const std::string to = answer.parts.redirect_url;
    if (!is_below(to, target_.url)) {
      if (!folder.path.empty()) return make_unreadable(folder);
      fail(url,
           fmt::format("it redirects to '{}', which is not below the URL to scan", printable(to)));
    }
    if (++folder.hops > kMostHops) fail(url, "it redirects again and again");
    if (!to.ends_with('/'))
      fail(url, fmt::format("it redirects to '{}', no folder", printable(to)));
    if (folder.path.empty()) base_ = to;
    ask_for(folder, to);
  }

  void leave_out(Folder& folder, const std::string& url, const WebAnswer& answer) {
    if (!folder.path.empty()) return make_unreadable(folder);
    const bool gone = answer.status == 404 || answer.status == 410;
    if (!gone || !target_.may_be_missing) fail(url, answer_words(answer));
    listing_.counts.missing = true;
    folder.state = State::ready;
  }

  static void make_unreadable(Folder& folder) {
    folder.unreadable = true;
    folder.state = State::ready;
  }

  // For many folders at a time, or when there is nothing else to do.
  void look_up() {
    std::vector<Folder*> parsed;
    bool others = false;  // pages are still to come
    for (const auto& folder : window_) {
      if (folder->state == State::parsed) parsed.push_back(folder.get());
      others = others || folder->state == State::asked;
    }
    const bool first_waits = !window_.empty() && window_.front()->state == State::parsed;
    if (parsed.empty() || (parsed.size() < kLookUp && others && !(first_waits && waiting_.empty())))
      return;
    look_up_items(parsed);
    add_hidden(parsed);
    for (Folder* folder : parsed) settle_items(*folder);
  }

  void look_up_items(const std::vector<Folder*>& parsed) {
    std::vector<std::string> files, folders;
    for (const Folder* folder : parsed) {
      for (const Item& item : folder->items)
        (item.shown.is_folder ? folders : files)
            .push_back(joined_path(folder->path, item.shown.name));
    }
    const auto known_files = known_.files(files);
    const auto known_folders = known_.folders(folders);
    std::size_t file = 0, below = 0;
    for (Folder* folder : parsed) {
      for (Item& item : folder->items) {
        if (item.shown.is_folder) {
          item.known_folder = known_folders[below++];
        } else {
          item.known = known_files[file++];
        }
      }
    }
  }

  // Servers do not show every file that they serve, such as `.treeinfo`: these are asked for.
  void add_hidden(const std::vector<Folder*>& parsed) {
    std::vector<std::string> paths;
    for (const Folder* folder : parsed) paths.push_back(folder->path);
    for (db::HiddenFile& hidden : known_.hidden(paths)) {
      Folder& folder = *parsed[hidden.folder];
      const bool shown =
          std::any_of(folder.items.begin(), folder.items.end(),
                      [&](const Item& item) { return item.shown.name == hidden.name; });
      if (shown) continue;
      Item& item = folder.items.emplace_back();
      item.shown.name = std::move(hidden.name);
      item.known = std::move(hidden.file);
      ++items_;
    }
  }

  void settle_items(Folder& folder) {
    for (Item& item : folder.items) {
      if (item.shown.is_folder) continue;
      if (item.known && needs_head(item.shown, *item.known, zone_)) {
        ask_head(folder, item);
      } else {
        settle(item, zone_);
        note_precision(item);
      }
    }
    folder.state = folder.heads == 0 ? State::ready : State::heads;
  }

  void note_precision(const Item& item) {
    if (!item.known || !item.shown.time || item.shown.time->precision_s <= 1) return;
    const auto precision =
        item.shown.time->precision_s <= 60 ? db::Precision::minute : db::Precision::day;
    times_ = std::max(times_, precision);
  }

  void ask_head(Folder& folder, Item& item) {
    const std::string url = file_url(base_, joined_path(folder.path, item.shown.name));
    heed_robots(url);
    if (++listing_.counts.heads > options_.heads) {
      fail(url,
           fmt::format("more than {} files need a HEAD request of their own, since the pages do "
                       "not show enough; the option heads=N allows more",
                       options_.heads));
    }
    ++folder.heads;
    client_.head(url, [this, &folder, &item, url](WebAnswer&& answer) {
      ++answers_;
      take_head(item, url, answer);
      if (--folder.heads == 0) folder.state = State::ready;
    });
  }

  // Of an empty file, httpd does not send the length in an answer to HEAD.
  static bool take_length(const net::PoolAnswer& answer, Item& item) {
    const std::string_view length = answer.header("Content-Length");
    const auto [end, error] =
        std::from_chars(length.data(), length.data() + length.size(), item.size_bytes);
    if (!length.empty()) return error == std::errc() && end == length.data() + length.size();
    item.size_bytes = 0;
    return item.known->size_bytes == 0 && answer.header("Transfer-Encoding").empty();
  }

  // What is redirected, or has no length, is nothing that a listing can tell a version of.
  void take_head(Item& item, const std::string& url, const WebAnswer& answer) {
    if (!answer.fault.empty()) fail(url, answer.fault);
    const bool has_length = take_length(answer.parts, item);
    item.absent = answer.status != 200 || !has_length;
    if (answer.status != 200 && !is_refusal(answer.status) && !is_redirect(answer.status))
      fail(url, answer_words(answer));
    if (item.absent) return;
    const std::int64_t exact_s = parse_http_date(answer.parts.header("Last-Modified"));
    if (exact_s >= 0) {
      item.mtime_s = exact_s;
      if (item.shown.time) zone_.learn(*item.shown.time, item.known->mtime_s, exact_s);
    } else if (item.shown.time) {
      item.mtime_s = item.shown.time->time_s;
      note_precision(item);
    }
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
      for (Item& item : folder->items) {
        if (!item.absent) pass_on(*folder, item);
      }
    }
  }

  void pass_on(const Folder& folder, Item& item) {
    entry_.path = joined_path(folder.path, item.shown.name);
    entry_.kind = item.shown.is_folder ? ListedKind::directory : ListedKind::file;
    entry_.world_readable = true;
    entry_.size_bytes = item.size_bytes;
    entry_.mtime_s = item.mtime_s;
    const bool wanted = listing_.add(entry_);
    if (!item.shown.is_folder || !wanted || entry_.path.size() > kMaxPathBytes) return;
    if (!item.known_folder && ++strange_ > kStrangeFolders) return;
    waiting_.push_back({entry_.path, !item.known_folder});
  }

  const Target& target_;
  const WebOptions options_;
  KnownFiles& known_;
  Listing& listing_;
  const Control& control_;
  WebClient client_;
  Pace pace_;
  std::string base_;  // of the root's page, after its redirects
  Robots robots_{"", ""};
  TimeZone zone_;
  db::Precision times_ = db::Precision::second;
  std::deque<Waiting> waiting_;                 // folders, in the order of the listing
  std::deque<std::unique_ptr<Folder>> window_;  // those that follow next, in that order
  std::size_t items_ = 0;                       // in the window
  std::int64_t answers_ = 0;
  int strange_ = 0;
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
