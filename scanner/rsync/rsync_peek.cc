#include "scanner/rsync/rsync_peek.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "os/child_process.h"
#include "scanner/rsync/rsync_environment.h"
#include "scanner/rsync/rsync_list.h"
#include "scanner/rsync/rsync_lister.h"
#include "scanner/rsync/rsync_names.h"

namespace mirror::scanner {
namespace {

constexpr std::size_t kMaxLineBytes = 40 << 10;
constexpr std::chrono::milliseconds kEndPatience(1000);  // for rsync to end after its last word

RsyncPeek peek(const std::string& url, std::chrono::milliseconds patience, int stop_fd,
               RsyncNames::NameIn name_in) {
  const auto end = std::chrono::steady_clock::now() + patience;
  RsyncPeek found;
  Complaints complaints;
  RsyncNames names(name_in);
  LineCutter words(kMaxLineBytes, [&](std::string_view line, bool) { complaints.add(line); });
  const auto seconds =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(patience).count());
  ChildProcess child(find_program("rsync", MIRROR_RSYNC),
                     {"rsync", "--list-only", "--no-h", fmt::format("--contimeout={}", seconds),
                      fmt::format("--timeout={}", seconds), "--", url},
                     rsync_environment(std::nullopt));
  const ReadEnd read = child.read([&](std::string_view data) { names.feed(data); },
                                  [&](std::string_view data) { words.feed(data); },
                                  {patience, patience, end}, stop_fd);
  found.names = names.finish();
  words.finish();
  if (read == ReadEnd::idle) found.fault = "no answer in time";
  if (read == ReadEnd::stopped) found.fault = "stopped";
  if (read == ReadEnd::finished && child.wait(kEndPatience, stop_fd) != 0) {
    const std::string text = complaints.text();
    found.fault = !text.empty() ? text : complaints.verdict();
    if (found.fault.empty()) found.fault = "rsync failed";
  }
  if (!found.fault.empty()) found.names.clear();
  return found;
}

}  // namespace

// With --no-motd there would be no module either.
RsyncPeek peek_rsync_modules(const std::string& url, std::chrono::milliseconds patience,
                             int stop_fd) {
  return peek(url, patience, stop_fd, module_name);
}

RsyncPeek peek_rsync_folder(const std::string& url, std::chrono::milliseconds patience,
                            int stop_fd) {
  return peek(url, patience, stop_fd, name_in_folder);
}

}  // namespace mirror::scanner
