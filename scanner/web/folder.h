// A folder that is being listed: what its page shows, what the source has of it, and what is still
// to be asked. Internal to scanner/web; plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/merge/known_files.h"
#include "scanner/list/time_zone.h"
#include "scanner/web/page_entry.h"

namespace mirror::scanner::web {

struct Item {
  PageEntry shown;
  std::optional<db::KnownFile> known;  // the source's file; of a folder: none
  bool known_folder = false;
  bool absent = false;  // the server has no such file after all
  // What is listed, once it is known.
  std::int64_t size_bytes = 0, mtime_s = 0;
};

struct Folder {
  enum class State : std::uint8_t {
    asked,   // for its page
    parsed,  // its page is here, and nobody has looked what the source has
    heads,   // waits for answers to HEAD
    ready
  };
  std::string path;      // below the listing's root; "": the root
  bool strange = false;  // the source has nothing below it
  State state = State::asked;
  bool unreadable = false;  // or gone: nothing below it is listed
  bool unlisted = false;    // has a page that is no index: nobody knows what is below it
  int hops = 0;             // redirects that were followed
  std::vector<Item> items;
  std::size_t heads = 0;  // answers that it waits for
};

// Whether only HEAD tells which version of `known` the page shows.
bool needs_head(const PageEntry& shown, const db::KnownFile& known, const TimeZone& zone);
// Size and time of what the page shows alone: as at the source where that is what it shows.
void settle(Item& item, const TimeZone& zone);

}  // namespace mirror::scanner::web
