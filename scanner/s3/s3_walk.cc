#include "scanner/s3/s3_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <set>

#include "core/path.h"
#include "core/s3_url.h"
#include "net/fetcher.h"
#include "scanner/list/pace.h"
#include "scanner/s3/key_ranges.h"
#include "scanner/s3/key_tree.h"
#include "scanner/s3/settle.h"
#include "scanner/s3/store.h"

namespace mirror::scanner::s3 {
namespace {

constexpr std::size_t kMostRanges = 64;
constexpr std::size_t kMostFolders = 32;  // that are looked into at a time to find ranges
constexpr int kMostLevels = 3;
constexpr int kMostEmptyPages = 100;  // one after the other, of one range
constexpr std::int64_t kUsualHeads = 1000;

std::string prefix_of(const Target& target) {
  S3Url url;
  if (const UrlFault fault = read_s3_url(target.url, url)) throw ListingError(fault.text());
  return target.directory.empty() ? url.prefix : url.prefix + target.directory + '/';
}

web::WebOptions options_of(const Target& target) {
  web::WebOptions options = web::read_web_options(target.options);
  const bool has_heads = std::any_of(target.options.begin(), target.options.end(),
                                     [](const auto& text) { return text.starts_with("heads="); });
  if (!has_heads) options.heads = kUsualHeads;
  return options;
}

class Walk {
 public:
  Walk(const Target& target, KnownFiles& known, Listing& listing, const Control& control)
      : target_(target),
        options_(options_of(target)),
        known_(known),
        listing_(listing),
        control_(control),
        store_(target, options_),
        pace_(target.max_minutes, Pace::Clock::now()),
        prefix_(prefix_of(target)) {}

  db::Fidelity run() {
    list_first_page();
    while (!waiting_.empty() || running_ > 0 || batches_ > 0) {
      begin_ranges();
      wait();
    }
    if (listing_.counts.entries == 0 && target_.may_be_missing) listing_.counts.missing = true;
    if (target_.is_source) return {};
    return {.shows_times = false, .times_of_uploads = true};
  }

 private:
  // One range under way.
  struct Chain {
    Chain(Walk& walk, KeyRange keys)
        : range(std::move(keys)),
          tree(
              walk.prefix_,
              [this, &walk](ListedObject&& file) { walk.keep(std::move(file), files); },
              [&walk](std::string_view key) { walk.note_odd(key); }) {}

    KeyRange range;
    std::string token;
    int empty_pages = 0;
    KeyTree tree;
    std::vector<ListedObject> files;  // of the present page
  };
  // Files of a page that wait for answers to HEAD.
  struct Batch {
    std::vector<ListedObject> files;
    std::size_t heads = 0;
  };

  [[noreturn]] void fail(std::string_view words) const {
    throw ListingError(fmt::format("{}: {}, after {} entries", printable(target_.url), words,
                                   listing_.counts.entries));
  }

  void wait() {
    if (control_.stopped())
      throw ListingError(fmt::format("interrupted after {} entries", listing_.counts.entries));
    if (store_.open() > 0) store_.run(control_.stop_fd);
    pace_.check(listing_.counts.entries + answers_, Pace::Clock::now());
  }

  void keep(ListedObject&& file, std::vector<ListedObject>& files) {
    if (both_.contains(prefix_ + file.key)) return note_odd(prefix_ + file.key);
    files.push_back(std::move(file));
  }

  void note_odd(std::string_view key) {
    if (++listing_.counts.odd_keys == 1) listing_.counts.odd_key_example = key;
  }

  // Most folders are small: nothing more is asked for.
  void list_first_page() {
    bool here = false, more = false;
    std::string last;
    const auto chain = std::make_shared<Chain>(*this, KeyRange());
    ++running_;
    store_.list({.prefix = prefix_}, [&](ListPage&& page) {
      here = true;
      more = page.more;
      if (!page.objects.empty()) last = page.objects.back().key;
      page.more = more && page.objects.empty();
      take_page(chain, std::move(page));
    });
    while (!here) wait();
    if (!more || last.empty()) return;
    find_ranges(last);
  }

  // Looks into the upper folders for keys at which to cut.
  void find_ranges(const std::string& after) {
    std::vector<std::string> cuts, folders{prefix_};
    for (int level = 0; level < kMostLevels && cuts.size() < kMostRanges; ++level) {
      std::vector<std::string> below;
      std::size_t open = std::min(folders.size(), kMostFolders);
      folders.resize(open);
      for (const std::string& folder : folders) {
        store_.list({.prefix = folder, .folders = true}, [&](ListPage&& page) {
          --open;
          ++answers_;
          if (!page.more) take_folder(page, below);
        });
      }
      while (open > 0) wait();
      cuts.insert(cuts.end(), below.begin(), below.end());
      folders = std::move(below);
    }
    for (KeyRange& range : cut_ranges(after, std::move(cuts), kMostRanges))
      waiting_.push_back(std::move(range));
  }

  // A name that is a file and a folder may be in two ranges.
  void take_folder(const ListPage& page, std::vector<std::string>& below) {
    std::set<std::string_view> files;
    for (const ListedObject& object : page.objects) files.insert(object.key);
    for (const std::string& folder : page.prefixes) {
      const std::string_view name = std::string_view(folder).substr(0, folder.size() - 1);
      if (files.contains(name)) both_.emplace(name);
      below.push_back(folder);
    }
  }

  void begin_ranges() {
    while (!waiting_.empty() && running_ < static_cast<std::size_t>(options_.connections)) {
      ++running_;
      ask(std::make_shared<Chain>(*this, std::move(waiting_.front())));
      waiting_.pop_front();
    }
  }

  void ask(const std::shared_ptr<Chain>& chain) {
    store_.list({.prefix = prefix_, .after = chain->range.after, .token = chain->token},
                [this, chain](ListPage&& page) { take_page(chain, std::move(page)); });
  }

  void take_page(const std::shared_ptr<Chain>& chain, ListPage&& page) {
    ++answers_;
    bool at_end = !page.more;
    for (ListedObject& object : page.objects) {
      if (object.key.empty()) {
        note_odd("%00");
        continue;
      }
      if (object.key <= chain->range.after) continue;
      if (!chain->range.to.empty() && object.key > chain->range.to) {
        at_end = true;
        break;
      }
      const std::string key = object.key;
      if (!chain->tree.add(std::move(object)))
        fail(fmt::format("the key '{}' is not in the order of keys, or not of this folder",
                         printable(key)));
    }
    if (at_end) chain->tree.finish();
    pass_on(std::exchange(chain->files, {}));
    if (at_end) {
      --running_;
      return;
    }
    chain->empty_pages = page.objects.empty() ? chain->empty_pages + 1 : 0;
    if (chain->empty_pages > kMostEmptyPages || page.token == chain->token)
      fail("its pages have no end");
    chain->token = std::move(page.token);
    ask(chain);
  }

  void pass_on(std::vector<ListedObject> files) {
    if (files.empty()) return;
    if (target_.is_source) {
      for (const ListedObject& file : files) add(file);
    } else {
      settle(std::make_shared<Batch>(Batch{std::move(files), 0}));
    }
  }

  void settle(const std::shared_ptr<Batch>& batch) {
    std::vector<std::string> paths;
    for (const ListedObject& file : batch->files) paths.push_back(file.key);
    const auto known = known_.files(paths);
    const auto digests = known_.digests(paths);
    ++batches_;
    batch->heads = 1;  // this loop
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (!known[i]) continue;
      const std::string md5 = digests[i] ? digests[i]->md5 : "";
      ListedObject& file = batch->files[i];
      const Verdict verdict = judge(file, *known[i], md5);
      if (verdict == Verdict::same)
        file.modified_s = std::max(file.modified_s, known[i]->mtime_s);
      else if (verdict == Verdict::ask && listing_.counts.heads < options_.heads)
        ask_head(batch, file, md5);
    }
    end_head(batch);
  }

  void ask_head(const std::shared_ptr<Batch>& batch, ListedObject& file, const std::string& md5) {
    ++batch->heads;
    ++listing_.counts.heads;
    store_.head(prefix_ + file.key, [this, batch, &file, md5](const web::WebAnswer& answer) {
      ++answers_;
      if (answer.fault.empty()) file.modified_s = time_after_head(file, md5, answer.parts);
      end_head(batch);
    });
  }

  void end_head(const std::shared_ptr<Batch>& batch) {
    if (--batch->heads > 0) return;
    --batches_;
    for (const ListedObject& file : batch->files) add(file);
  }

  void add(const ListedObject& file) {
    entry_.path = file.key;
    entry_.world_readable = true;
    entry_.size_bytes = file.size_bytes;
    entry_.mtime_s = file.modified_s;
    listing_.add(entry_);
  }

  const Target& target_;
  const web::WebOptions options_;
  KnownFiles& known_;
  Listing& listing_;
  const Control& control_;
  Store store_;
  Pace pace_;
  const std::string prefix_;
  std::deque<KeyRange> waiting_;
  std::size_t running_ = 0, batches_ = 0;
  std::set<std::string, std::less<>> both_;  // files that are folders too
  std::int64_t answers_ = 0;
  Entry entry_;
};

}  // namespace

db::Fidelity list_s3(const Target& target, KnownFiles& known, Listing& listing,
                     const Control& control) {
  try {
    return Walk(target, known, listing, control).run();
  } catch (const net::FetchError& error) {
    throw ListingError(error.what());
  }
}

}  // namespace mirror::scanner::s3
