// What a mirror offers, found out from the URL that clients get: the schemes and address families
// it answers over, whether it carries the source's files, and by which ways it can be listed.
// Everything has a time-out of its own, and all together an end. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "db/source_sample.h"
#include "net/request_pool.h"

namespace mirror::scanner::discover {

using Clock = std::chrono::steady_clock;

struct Question {
  std::string url;                    // http or https, a base without fault
  std::string rsync_host, ftp_host;   // HOST[:PORT]; "": the URL's host
  std::string user_agent, ca_file;    // as of PoolRequest
  std::vector<std::string> own_urls;  // our servers', each ends in '/'
  std::chrono::milliseconds one_check{6000};
  Clock::time_point end;  // of all together
  int stop_fd = -1;
};

// Says what is looked at now.
using Step = std::function<void(const std::string&)>;

// What was found: columns of a mirror (db/mirror/members.h) and lines for people.
struct Findings {
  std::vector<std::pair<std::string, std::string>> columns;  // name, value as an option has it
  std::vector<std::string> lines;
  std::string refusal;  // why it should not be added: it does not answer, or has another tree
  std::string warning;  // what somebody should look at

  void set(std::string column, std::string value) {
    columns.emplace_back(std::move(column), std::move(value));
  }
};

// Throws net::FetchError when libcurl cannot be used.
Findings discover(const Question& question, const db::SourceSample& source, const Step& step);

}  // namespace mirror::scanner::discover
