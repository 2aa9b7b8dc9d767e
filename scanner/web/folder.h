// A folder that is being listed: what its page shows, what the source has of it, and what is still
// to be asked. Internal to scanner/web; plain values.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "db/merge/known_files.h"
#include "scanner/web/page_entry.h"

namespace mirror::scanner::web {

struct Item {
  PageEntry* shown = nullptr;          // one of Folder::shown
  std::optional<db::KnownFile> known;  // the source's file; of a folder: none
  bool known_folder = false;
  bool source_has_link = false;  // where the page has a folder
  bool absent = false;           // the server has no such file after all
  bool guessed = false;          // the source has it, and the page does not show it
  bool for_zone = false;         // is asked for to find the server's time zone
  bool in_doubt = false;         // nothing came of that
  // What is listed, once it is known.
  std::int64_t size_bytes = 0, mtime_s = 0;
};

struct Folder {
  enum class State : std::uint8_t {
    asked,   // for its page
    held,    // its page came when there was no room for it
    parsed,  // its page is here, and nobody has looked what the source has
    heads,   // waits for answers to HEAD
    ready
  };
  std::string path;      // below the listing's root; "": the root
  bool strange = false;  // the source has nothing below it
  bool guessed = false;  // no page shows it
  State state = State::asked;
  bool unreadable = false;  // or gone: nothing below it is listed
  bool unlisted = false;    // has a page that is no index: nobody knows what is below it
  bool kept = false;        // is guessed, and its page cannot be read: just as little is known
  int hops = 0;             // redirects that were followed
  PageEntries shown;        // as they were read: of a large page two copies are too much
  std::deque<Item> items;
  std::size_t next = 0;   // the first item that is not settled
  std::size_t heads = 0;  // answers that it waits for

  Item& add(PageEntry& entry) {
    Item& item = items.emplace_back();
    item.shown = &entry;
    return item;
  }
};

}  // namespace mirror::scanner::web
