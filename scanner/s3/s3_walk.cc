#include "scanner/s3/s3_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory>

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

constexpr double kFewKeys = 2000;      // nobody lists a part of fewer: a page of them is on its way
constexpr std::size_t kMostReady = 8;  // pages; then what else has come has to wait
constexpr int kMostEmptyPages = 100;   // one after the other, of one range
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
    begin(KeyRange());
    while (!chains_.empty() || !ready_.empty() || batches_ > 0) {
      use_connections();
      wait();
    }
    if (listing_.counts.entries == 0 && target_.may_be_missing) listing_.counts.missing = true;
    if (target_.is_source) return {.in_any_order = true};
    return {.shows_times = false, .times_of_uploads = true, .in_any_order = true};
  }

 private:
  // One range under way.
  struct Chain {
    Chain(Walk& walk, KeyRange keys)
        : range(std::move(keys)),
          begin(range.after()),
          tree(
              walk.prefix_,
              [this, &walk](ListedObject&& file) { walk.keep(std::move(file), *this); },
              [&walk](std::string_view key) { walk.note_odd(key); }) {}

    KeyRange range;
    const std::string begin;  // behind this key
    std::string token;
    bool is_looking = false;  // for keys to cut at
    std::string last;         // key
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
    if (store_.has_answer() || !ready_.empty()) {
      store_.poll();
      go_on();
    } else if (store_.open() > 0) {
      store_.run(control_.stop_fd);
    }
    pace_.check(listing_.counts.entries + answers_, Pace::Clock::now());
  }

  // With a page that has come, or with the files of one.
  void go_on() {
    if (store_.has_answer() && ready_.size() < kMostReady) return store_.take_answer();
    pass_on(std::exchange(ready_.front(), {}));
    ready_.pop_front();
  }

  // Where a range ends there is a folder. Mirrors serve nothing that is archived; the source has it
  // all the same.
  void keep(ListedObject&& file, Chain& chain) {
    const std::string key = prefix_ + file.key;
    if (chain.range.to() == key + '/') return note_odd(key);
    if (file.archived && !target_.is_source) return note_archived(key);
    chain.files.push_back(std::move(file));
  }

  void note_odd(std::string_view key) {
    if (++listing_.counts.odd_keys == 1) listing_.counts.odd_key_example = key;
  }

  void note_archived(std::string_view key) {
    if (++listing_.counts.archived == 1) listing_.counts.archived_example = key;
  }

  // What a free connection does: lists a part of the largest range, or looks for keys to cut at.
  // Some ranges more than connections are under way, so that no connection waits for us.
  void use_connections() {
    const auto connections = static_cast<std::size_t>(options_.connections);
    while (chains_.size() + looking_ < connections + connections / 2) {
      const bool is_free = chains_.size() + looking_ < connections;
      if (!begin_part() && !(is_free && look_for_cuts())) return;
    }
  }

  bool begin_part() {
    const auto largest = std::max_element(
        chains_.begin(), chains_.end(),
        [](const auto& a, const auto& b) { return keys_to_share(a) < keys_to_share(b); });
    if (largest == chains_.end() || keys_to_share(*largest) < kFewKeys) return false;
    begin((*largest)->range.split());
    return true;
  }

  static double keys_to_share(const std::shared_ptr<Chain>& chain) {
    return chain->range.keys_to_share();
  }

  // Nobody looks for them before it is clear that there is more than a page.
  bool look_for_cuts() {
    for (const auto& chain : chains_) {
      const auto folder =
          chain->is_looking ? std::nullopt : chain->range.folder_to_look_into(prefix_);
      if (!folder) continue;
      ++looking_;
      chain->is_looking = true;
      store_.list({.prefix = *folder, .after = chain->range.after(), .folders = true},
                  [this, chain](ListPage&& page) {
                    ++answers_;
                    --looking_;
                    chain->is_looking = false;
                    chain->range.looked(page.prefixes, page.more);
                  });
      return true;
    }
    return false;
  }

  void begin(KeyRange range) {
    chains_.push_back(std::make_shared<Chain>(*this, std::move(range)));
    ask(chains_.back());
  }

  void ask(const std::shared_ptr<Chain>& chain) {
    store_.list({.prefix = prefix_, .after = chain->begin, .token = chain->token},
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
      if (object.key <= chain->begin) continue;
      if (chain->range.is_beyond(object.key)) {
        at_end = true;
        break;
      }
      chain->last = object.key;
      if (!chain->tree.add(std::move(object)))
        fail(fmt::format("the key '{}' is not in the order of keys, or not of this folder",
                         printable(chain->last)));
    }
    if (at_end) chain->tree.finish();
    if (!chain->files.empty()) ready_.push_back(std::exchange(chain->files, {}));
    if (at_end) {
      std::erase(chains_, chain);
      return;
    }
    chain->range.pass(chain->last, page.objects.size());
    chain->empty_pages = page.objects.empty() ? chain->empty_pages + 1 : 0;
    if (chain->empty_pages > kMostEmptyPages || page.token == chain->token)
      fail("its pages have no end");
    chain->token = std::move(page.token);
    ask(chain);
  }

  void pass_on(std::vector<ListedObject> files) {
    if (target_.is_source) {
      for (const ListedObject& file : files) add(file);
    } else {
      settle(std::make_shared<Batch>(Batch{std::move(files), 0}));
    }
  }

  void settle(const std::shared_ptr<Batch>& batch) {
    std::vector<std::string> paths;
    for (const ListedObject& file : batch->files) paths.push_back(file.key);
    const auto known = known_.contents(paths);
    ++batches_;
    batch->heads = 1;  // this loop
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (!known[i]) continue;
      const auto& [version, md5] = *known[i];
      ListedObject& file = batch->files[i];
      const Verdict verdict = judge(file, version, md5);
      if (verdict == Verdict::same)
        file.modified_s = std::max(file.modified_s, version.mtime_s);
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
  std::vector<std::shared_ptr<Chain>> chains_;
  // Of pages that have come: the files are compared while the next ones are on their way.
  std::deque<std::vector<ListedObject>> ready_;
  std::size_t looking_ = 0, batches_ = 0;
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
