// A Feed's options: the database, and how long to wait for it.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "db/redirectors.h"

namespace mirror {

struct FeedOptions {
  std::string conninfo;  // "": no database, the catalog is brought by `mb catalog import`
  std::string name;      // of the database, for messages and for telling one writer from another
  bool hashes = false;
  std::chrono::milliseconds timeout{2000};     // for connecting
  std::chrono::milliseconds patience{60'000};  // for one page of an answer
  std::chrono::milliseconds poll{5000};
  std::chrono::seconds complain_after{
      60};  // how long the database may be away before the log says so
  // Called with the fault each time it happens (the log has it once), and with "" when it is over.
  // May be empty.
  std::function<void(const std::string& fault)> tell_fault;
  // Called once a minute: which files were asked for since, for the database. May be empty.
  std::function<std::vector<db::AskedFile>()> take_demand;

  // How often to ask the database; servers that cannot call (`listens` false) are asked more often.
  std::chrono::milliseconds poll_of(bool listens) const {
    return listens ? poll : std::min(poll, std::chrono::milliseconds(500));
  }
};

}  // namespace mirror
